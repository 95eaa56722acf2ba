// Keeps the end of the process and the work of the storage thread apart. Node stops worker threads by terminating
// their JavaScript wherever it stands; inside a call of lmdb-js that aborts the process, or waits for a lock for ever.
//
// The storage thread enters the gate before it touches LMDB and leaves it afterwards; the main thread shuts it when
// the process exits, which waits until the thread has left. What has not entered by then never will.

const open = 0
const occupied = 1
const shut = 2

export class ExitGate {
  readonly shared: SharedArrayBuffer
  readonly #state: Int32Array

  constructor(shared = new SharedArrayBuffer(4)) {
    this.shared = shared
    this.#state = new Int32Array(shared)
  }

  /** Runs `work` inside the gate; does nothing if the gate is shut. On the storage thread. */
  pass(work: () => void): void {
    if (Atomics.compareExchange(this.#state, 0, open, occupied) !== open) return
    try {
      work()
    } finally {
      Atomics.store(this.#state, 0, open)
      Atomics.notify(this.#state, 0)
    }
  }

  /** Blocks until nobody is inside, and lets nobody in again. On the main thread, when the process exits. */
  shut(): void {
    while (Atomics.compareExchange(this.#state, 0, open, shut) === occupied) {
      Atomics.wait(this.#state, 0, occupied)
    }
  }
}
