// A client of etcd's that costs next to nothing beside etcd itself: gRPC (HTTP/2 frames, RFC 9113) written by hand for
// the three calls of this bench, many requests in one write. Beside it etcd3 over @grpc/grpc-js takes a whole core, and
// the JSON gateway makes etcd translate; both showed less of what etcd can do.
//
// It knows only what such a server answers: a call that succeeded has a message, one that failed has none. Not a client
// for anything else.

import { connect, type Socket } from 'node:net'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8]
const END_STREAM = 1
const END_HEADERS = 4
const ACK = 1
/** What either side may send before the other says otherwise (RFC 9113 §6.9.2). */
const INITIAL_WINDOW = 65_535
/** How much the server may send us before it has to wait; given back once half is used. */
const OWN_WINDOW = 2 ** 30

interface Call {
  readonly resolve: (message: Buffer) => void
  readonly reject: (error: Error) => void
  message: Buffer | undefined
}

interface Waiting extends Call {
  readonly head: Buffer
  readonly body: Buffer
}

export class EtcdClient {
  readonly #socket: Socket
  readonly #calls = new Map<number, Call>()
  readonly #queue: Waiting[] = []
  readonly #heads = new Map<string, Buffer>()
  #out: Buffer[] = []
  #flushing = false
  #rest: Buffer = Buffer.alloc(0)
  #nextStream = 1
  #window = INITIAL_WINDOW
  #received = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection is closed')))
    this.#out.push(PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)))
    this.#grantWindow(OWN_WINDOW - INITIAL_WINDOW)
  }

  static connect(port: number): Promise<EtcdClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new EtcdClient(socket)))
      socket.once('error', reject)
    })
  }

  /** Puts a value; answers the store's revision, which every put raises by one. */
  async put(key: string, value: Uint8Array): Promise<number> {
    return revisionOf(await this.#call('/etcdserverpb.KV/Put', [field(1, Buffer.from(key)), field(2, value)]))
  }

  /** Reads a key, linearizably or (`serializable`) from the member's own memory without asking any other. */
  async get(key: string, serializable: boolean): Promise<number> {
    const parts = [field(1, Buffer.from(key))]
    if (serializable) parts.push(Buffer.from([7 << 3, 1]))
    return revisionOf(await this.#call('/etcdserverpb.KV/Range', parts))
  }

  close(): void {
    this.#socket.destroy()
  }

  #call(path: string, parts: readonly Uint8Array[]): Promise<Buffer> {
    const message = Buffer.concat(parts)
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    const head = this.#headOf(path)
    return new Promise((resolve, reject) => {
      const body = Buffer.concat([prefix, message])
      this.#queue.push({ head, body, resolve, reject, message: undefined })
      this.#send()
    })
  }

  /** Literal headers without indexing (RFC 7541 §6.2.2), so that both sides' tables stay empty. */
  #headOf(path: string): Buffer {
    const known = this.#heads.get(path)
    if (known) return known
    const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
    const header = (name: string, value: string) => Buffer.concat([Buffer.from([0]), text(name), text(value)])
    const head = Buffer.concat([
      Buffer.from([0x83, 0x86, 0x04]), // :method POST, :scheme http, :path …
      text(path),
      Buffer.from([0x01]), // :authority …
      text('127.0.0.1'),
      header('content-type', 'application/grpc'),
      header('te', 'trailers'),
    ])
    this.#heads.set(path, head)
    return head
  }

  #send(): void {
    let next = this.#queue[0]
    while (next && next.body.length <= this.#window) {
      this.#queue.shift()
      const stream = this.#nextStream
      this.#nextStream += 2
      this.#window -= next.body.length
      this.#calls.set(stream, next)
      this.#out.push(frame(HEADERS, END_HEADERS, stream, next.head), frame(DATA, END_STREAM, stream, next.body))
      next = this.#queue[0]
    }
    this.#flushSoon()
  }

  /** One write for all that this turn has to say. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    process.nextTick(() => {
      this.#flushing = false
      this.#socket.write(Buffer.concat(this.#out))
      this.#out = []
    })
  }

  #read(bytes: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    let at = 0
    while (all.length - at >= 9) {
      const end = at + 9 + all.readUIntBE(at, 3)
      if (end > all.length) break
      const [type, flags] = [all.readUInt8(at + 3), all.readUInt8(at + 4)]
      this.#take(type, flags, all.readUInt32BE(at + 5) & 0x7fff_ffff, all.subarray(at + 9, end))
      at = end
    }
    this.#rest = all.subarray(at)
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === DATA) this.#takeData(stream, payload)
    if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) this.#settle(stream)
    if (type === WINDOW_UPDATE && stream === 0) this.#window += payload.readUInt32BE(0)
    if (type === SETTINGS && (flags & ACK) === 0) this.#out.push(frame(SETTINGS, ACK, 0, Buffer.alloc(0)))
    if (type === PING && (flags & ACK) === 0) this.#out.push(frame(PING, ACK, 0, payload))
    if (type === RST_STREAM) this.#settle(stream)
    if (type === GOAWAY) this.#socket.destroy()
    if (type === WINDOW_UPDATE || type === SETTINGS || type === PING) this.#send()
  }

  /** Answers are short: each is one frame, the five bytes before the message in it. */
  #takeData(stream: number, payload: Buffer): void {
    const call = this.#calls.get(stream)
    if (call && payload.length >= 5 && payload.readUInt32BE(1) === payload.length - 5)
      call.message = payload.subarray(5)
    this.#received += payload.length
    if (this.#received > OWN_WINDOW / 2) this.#grantWindow(this.#received)
  }

  #grantWindow(bytes: number): void {
    const increment = Buffer.alloc(4)
    increment.writeUInt32BE(bytes)
    this.#out.push(frame(WINDOW_UPDATE, 0, 0, increment))
    this.#received = 0
    this.#flushSoon()
  }

  #settle(stream: number): void {
    const call = this.#calls.get(stream)
    this.#calls.delete(stream)
    if (call?.message) call.resolve(call.message)
    else call?.reject(new Error('etcd answered a call without a message'))
  }

  #fail(error: Error): void {
    for (const call of [...this.#calls.values(), ...this.#queue]) call.reject(error)
    this.#calls.clear()
    this.#queue.length = 0
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A length-delimited field of a protocol buffer, of fewer than 16 384 bytes. */
function field(number: number, bytes: Uint8Array): Buffer {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes])
}

/** Field 3 of the response header, which is field 1 of every response of etcd's. */
function revisionOf(response: Buffer): number {
  const [tag, sizeAt] = varint(response, 0)
  if (tag !== ((1 << 3) | 2)) throw new Error('an answer of etcd’s without a header')
  const [size, headerAt] = varint(response, sizeAt)
  let at = headerAt
  while (at < headerAt + size) {
    const [key, valueAt] = varint(response, at)
    const [value, next] = varint(response, valueAt)
    if (key >> 3 === 3) return value
    at = next
  }
  return 0
}

/** The number at `at`, and where what follows begins. Exact below 2^53: revisions are, ids are not. */
function varint(bytes: Buffer, at: number): readonly [value: number, next: number] {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = bytes.readUInt8(at)
    at += 1
    value += (byte & 127) * scale
    if (byte < 128) return [value, at]
    scale *= 128
  }
}
