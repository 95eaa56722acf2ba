// A connection between two threads: frames go through a ring of shared memory in each direction, and one MessagePort
// carries what wakes the other side: a bell (a number), and a farewell with what no ring had room for.
//
// A port that closes without farewell means that its thread has ended. The hub knows how, and says so at about the same
// time; a connection is lost once both are known, or FATE_MS after the port closed.

import type { MessagePort } from 'node:worker_threads'
import type { Connection, ConnectionListener } from '../distribution/carrier.ts'
import type { Alarm, NodePorts } from '../kernel/ports/index.ts'
import type { CarrierLimits, LineEnd } from './messages.ts'
import { RingReader, RingWriter } from './ring.ts'

/** How long a closed port waits for the hub's word. */
const FATE_MS = 1000
/** What a waiting frame costs beside its bytes. */
const FRAME_BYTES = 128
/** A turn that has read so much expects more to come: it looks again before it sleeps. */
const STREAM_BYTES = 2048

const BELL = 0

/** The last message on a port. */
interface Farewell {
  readonly reason: string
  /** Frames that had no room; the first may be the rest of one. */
  readonly rest: readonly Uint8Array[]
}

type Ports = Pick<NodePorts, 'clock' | 'turns'>

export class PortConnection implements Connection {
  /** The thread at the other end. */
  readonly far: number
  readonly #ports: Ports
  readonly #port: MessagePort
  readonly #writer: RingWriter
  readonly #reader: RingReader
  readonly #limits: CarrierLimits
  readonly #over: (connection: PortConnection) => void
  #listener: ConnectionListener | null = null
  /** Frames that wait for room; `#written` bytes of the first are in the ring. */
  #queue: Uint8Array[] = []
  #written = 0
  #queuedBytes = 0
  /** A look at the ring is due in this turn of the event loop. */
  #looking = false
  #spinning = false
  /** Nothing is sent any more. */
  #closed = false
  /** Nothing is told any more but the loss. */
  #silent = false
  #portClosed = false
  /** Why it is lost, once that is known. */
  #reason: string | undefined
  #told = false
  #fateLimit: Alarm | null = null

  constructor(ports: Ports, line: LineEnd, limits: CarrierLimits, over: (connection: PortConnection) => void) {
    const { port, shared, side, far } = line
    this.far = far
    this.#ports = ports
    this.#port = port
    this.#limits = limits
    this.#over = over
    this.#writer = new RingWriter(shared, side)
    this.#reader = new RingReader(shared, side === 0 ? 1 : 0)
    port.on('close', () => this.#portGone())
    port.unref()
  }

  open(listener: ConnectionListener): void {
    this.#listener = listener
    if (!this.#portClosed) {
      this.#port.on('message', (message: Farewell | typeof BELL) => this.#heard(message))
      this.#port.unref()
    }
    this.#ports.turns.soon(() => {
      this.#drain()
      // A thread known to be dead may have its farewell on the way still.
      if (this.#closed && this.#reason !== undefined) this.#tell()
    })
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return
    if (this.#queue.length === 0) {
      this.#written = this.#writer.write(frame, 0)
      this.#ring()
      if (this.#written > frame.length) return
    }
    this.#queue.push(frame)
    this.#queuedBytes += frame.length + FRAME_BYTES
    if (this.#queuedBytes > this.#limits.maxQueuedBytes) this.#end('overloaded', [])
    else if (this.#queue.length === 1) this.#pump()
  }

  close(reason: string): void {
    if (this.#closed) return
    const [first, ...others] = this.#queue
    this.#end(reason, first === undefined ? [] : [first.subarray(this.#written), ...others])
  }

  /** The hub's word: the thread at the other end is no more. */
  died(reason: string): void {
    this.#reason ??= reason
    if (this.#portClosed) this.#tell()
  }

  #end(reason: string, rest: readonly Uint8Array[]): void {
    this.#closed = true
    this.#silent = true
    this.#reason = reason
    this.#queue = []
    this.#queuedBytes = 0
    const farewell: Farewell = { reason, rest }
    this.#port.postMessage(farewell)
    this.#port.close()
    this.#ports.turns.soon(() => this.#tell())
  }

  // ---- reading -----------------------------------------------------------------------------------------------------

  #heard(message: Farewell | typeof BELL): void {
    if (this.#silent) return
    if (message === BELL) {
      if (this.#queue.length > 0) this.#pump()
      return this.#drain()
    }
    this.#drainAll()
    for (const chunk of message.rest) this.#receive(this.#reader.complete(chunk))
    this.#closed = true
    this.#silent = true
    this.#reason = message.reason
    this.#port.close()
    this.#tell()
  }

  /** Reads what is there, and goes to sleep. What comes meanwhile waits for the next turn: the others want theirs. */
  #drain(): void {
    const reader = this.#reader
    this.#looking = false
    reader.awake()
    let left = reader.waiting
    const streams = left >= STREAM_BYTES
    while (left > 0 && !this.#silent) {
      const before = reader.waiting
      const frame = reader.read()
      left -= before - reader.waiting
      if (reader.wakesWriter()) this.#port.postMessage(BELL)
      if (frame === undefined) break
      this.#receive(frame)
    }
    if (this.#silent) return
    if (streams || !reader.sleep()) this.#lookLater()
    else if (this.#limits.spinMicros > 0) this.#spinLater()
  }

  #drainAll(): void {
    for (let frame = this.#reader.read(); frame !== undefined; frame = this.#reader.read()) this.#receive(frame)
  }

  #lookLater(): void {
    if (this.#looking) return
    this.#looking = true
    this.#ports.turns.later(() => {
      if (this.#looking && !this.#silent) this.#drain()
    })
  }

  #receive(frame: Uint8Array): void {
    if (!this.#silent) this.#listener?.received(frame)
  }

  // ---- writing -----------------------------------------------------------------------------------------------------

  #ring(): void {
    if (this.#writer.wakesReader()) this.#port.postMessage(BELL)
    if (this.#limits.spinMicros > 0) this.#spinLater()
  }

  /** Sends what there is room for, and asks for the bell when there is more. */
  #pump(): void {
    let sent = 0
    do {
      for (; sent < this.#queue.length; sent++) {
        const frame = this.#queue[sent] as Uint8Array
        this.#written = this.#writer.write(frame, this.#written)
        if (this.#written <= frame.length) break
        this.#written = 0
        this.#queuedBytes -= frame.length + FRAME_BYTES
      }
    } while (sent < this.#queue.length && this.#writer.wait())
    this.#queue.splice(0, sent)
    this.#ring()
  }

  // ---- waiting awake -----------------------------------------------------------------------------------------------

  /** Looks at the ring for a short while without sleeping: an answer may come sooner than a thread falls asleep. */
  #spinLater(): void {
    if (this.#spinning) return
    this.#spinning = true
    this.#ports.turns.later(() => {
      this.#spinning = false
      const { clock } = this.#ports
      const endMs = clock.now() + this.#limits.spinMicros / 1000
      while (this.#reader.empty && clock.now() < endMs);
      if (!this.#reader.empty && !this.#silent) this.#drain()
    })
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  #portGone(): void {
    if (this.#portClosed) return
    this.#portClosed = true
    if (this.#listener !== null) this.#drainAll()
    this.#closed = true
    if (this.#reason !== undefined) return this.#tell()
    this.#fateLimit = this.#ports.clock.setAlarm(FATE_MS, () => this.died('the port has closed'))
  }

  #tell(): void {
    if (this.#told || this.#listener === null) return
    this.#told = true
    this.#fateLimit?.cancel()
    this.#over(this)
    this.#listener.lost(this.#reason ?? 'closed')
  }
}
