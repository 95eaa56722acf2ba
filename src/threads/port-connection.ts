// A connection over one MessagePort. On it go frames (a short one as text, a character a byte: that is the cheapest a port
// has; the bytes of others are moved, not copied; a list where other buffers move beside them), a farewell, and `null`:
// there is room again.
//
// A port that closes without farewell means that its thread has ended. The hub knows how, and says so at about the same
// time; a connection is lost once both are known, or FATE_MS after the port closed.

import type { MessagePort } from 'node:worker_threads'
import type { Connection, ConnectionListener } from '../distribution/carrier.ts'
import type { Alarm, NodePorts } from '../kernel/ports/index.ts'
import { CreditGiver, CreditTaker } from './credits.ts'
import type { CarrierLimits, LineEnd } from './messages.ts'

/** How long a closed port waits for the hub's word. */
const FATE_MS = 1000
/** What a frame costs beside its bytes, wherever it waits. */
const FRAME_BYTES = 128
/** A frame of up to so many bytes goes as text. */
const SHORT_BYTES = 1024

const NONE: readonly ArrayBuffer[] = []

/** A frame that waits, and what goes beside it. */
interface Waiting {
  readonly frame: Uint8Array
  readonly moved: readonly ArrayBuffer[]
}

/** The last that is said over a port, and why. */
interface Farewell {
  readonly reason: string
}

function bytesOf(frame: Uint8Array, moved: readonly ArrayBuffer[]): number {
  let bytes = frame.length + FRAME_BYTES
  for (const { byteLength } of moved) bytes += byteLength
  return bytes
}

export class PortConnection implements Connection {
  readonly moves = true
  /** The thread at the other end. */
  readonly far: number
  readonly #ports: Pick<NodePorts, 'clock' | 'turns'>
  readonly #port: MessagePort
  readonly #taker: CreditTaker
  readonly #giver: CreditGiver
  readonly #limits: CarrierLimits
  readonly #over: (connection: PortConnection) => void
  #listener: ConnectionListener | null = null
  /** Frames that wait for room. */
  #queue: Waiting[] = []
  #queuedBytes = 0
  /** Nothing is sent any more, nor told but the loss. */
  #closed = false
  #portClosed = false
  /** Why it is lost, once that is known. */
  #reason: string | undefined
  #told = false
  #fateLimit: Alarm | null = null

  constructor(
    ports: Pick<NodePorts, 'clock' | 'turns'>,
    line: LineEnd,
    limits: CarrierLimits,
    over: (connection: PortConnection) => void,
  ) {
    const { port, shared, side, far } = line
    this.far = far
    this.#ports = ports
    this.#port = port
    this.#limits = limits
    this.#over = over
    this.#taker = new CreditTaker(shared, side, limits.windowBytes)
    this.#giver = new CreditGiver(shared, side === 0 ? 1 : 0)
    port.on('close', () => this.#portGone())
    port.unref()
  }

  open(listener: ConnectionListener): void {
    this.#listener = listener
    // What has come so far is told in the next turn of the event loop.
    if (!this.#portClosed) this.#port.on('message', (message: unknown) => this.#heard(message))
    this.#port.unref()
    // A thread known to be dead may have frames on the way still.
    if (this.#closed && this.#reason !== undefined) this.#ports.turns.soon(() => this.#tell())
  }

  send(frame: Uint8Array, moved: readonly ArrayBuffer[] = NONE): void {
    if (this.#closed) return
    const bytes = bytesOf(frame, moved)
    if (this.#queue.length === 0 && this.#taker.take(bytes)) return this.#post(frame, moved)
    this.#queue.push({ frame, moved })
    this.#queuedBytes += bytes
    if (this.#queuedBytes > this.#limits.maxQueuedBytes) this.#overflow()
    else if (this.#queue.length === 1) this.#pump()
  }

  close(reason: string): void {
    if (this.#closed) return
    // What was sent before still goes: it is bounded, and nothing follows it.
    for (const { frame, moved } of this.#queue) this.#post(frame, moved)
    this.#end(reason)
    this.#ports.turns.soon(() => this.#tell())
  }

  /** The hub's word: the thread at the other end is no more. */
  died(reason: string): void {
    this.#reason ??= reason
    if (this.#portClosed) this.#tell()
  }

  #overflow(): void {
    this.#end('overloaded')
    this.#ports.turns.soon(() => this.#tell())
  }

  #end(reason: string): void {
    this.#closed = true
    this.#reason = reason
    this.#queue = []
    this.#queuedBytes = 0
    const farewell: Farewell = { reason }
    this.#port.postMessage(farewell)
    this.#port.close()
  }

  #heard(message: unknown): void {
    if (this.#closed) return
    if (message === null) return this.#pump()
    if (typeof message === 'string') return this.#received(Buffer.from(message, 'latin1'), NONE)
    if (message instanceof Uint8Array) return this.#received(message, NONE)
    if (Array.isArray(message)) {
      const [frame, ...moved] = message as [Uint8Array, ...ArrayBuffer[]]
      return this.#received(frame, moved)
    }
    this.#closed = true
    this.#reason = (message as Farewell).reason
    this.#port.close()
    return this.#tell()
  }

  #received(frame: Uint8Array, moved: readonly ArrayBuffer[]): void {
    const bytes = bytesOf(frame, moved)
    try {
      this.#listener?.received(frame, moved)
    } finally {
      if (this.#giver.give(bytes) && !this.#closed) this.#port.postMessage(null)
    }
  }

  /** Sends what there is room for, and has itself told when there is more. */
  #pump(): void {
    let sent = 0
    do {
      for (; sent < this.#queue.length; sent++) {
        const next = this.#queue[sent]
        if (next === undefined) break
        const bytes = bytesOf(next.frame, next.moved)
        if (!this.#taker.take(bytes)) break
        this.#queuedBytes -= bytes
        this.#post(next.frame, next.moved)
      }
    } while (sent < this.#queue.length && this.#taker.wait())
    this.#queue.splice(0, sent)
  }

  #post(frame: Uint8Array, moved: readonly ArrayBuffer[]): void {
    const { buffer, byteOffset, length } = frame
    if (length <= SHORT_BYTES && moved.length === 0) {
      return this.#port.postMessage(Buffer.from(buffer, byteOffset, length).toString('latin1'))
    }
    const whole = buffer instanceof ArrayBuffer && buffer.byteLength === length ? frame : new Uint8Array(frame)
    const own = whole.buffer as ArrayBuffer
    if (moved.length === 0) this.#port.postMessage(whole, [own])
    else this.#port.postMessage([whole, ...moved], [own, ...moved])
  }

  #portGone(): void {
    this.#portClosed = true
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
