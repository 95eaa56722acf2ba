// What the processes of a group send each other, as bytes: entries, a client's requests, and the answers to them, each
// list as one byte string. A message costs by its pieces far more than by its bytes, here and on the way.
//
// Invariant: reading gives views into the message, and undefined for what no replica or client sends.

import { ByteReader, ByteWriter, CodecError } from '../consensus/bytes.ts'
import { REFUSALS } from '../consensus/refusal.ts'
import type { Entry } from './core/entry.ts'
import { decodeEntry } from './core/entry-codec.ts'
import type { ClientAnswer, ClientItem } from './protocol.ts'

// ---- entries ---------------------------------------------------------------------------------------------------------

/** Each entry behind its length. */
export function packEntries(entries: readonly Entry[]): Uint8Array {
  let size = 0
  for (const { bytes } of entries) size += 4 + bytes.length
  const writer = new ByteWriter(size)
  for (const { bytes } of entries) writer.bytes(bytes)
  return writer.take()
}

export function unpackEntries(packed: unknown): Entry[] | undefined {
  return reading(packed, (reader) => {
    const entry = decodeEntry(reader.bytes())
    if (entry === undefined) throw new CodecError('no entry')
    return entry
  })
}

// ---- a client's requests ---------------------------------------------------------------------------------------------

const items = { open: 1, command: 2, index: 3, lease: 4 } as const
/** What an item needs beside its payload. */
const ITEM_BYTES = 13

/** u8 kind, u64 id, then the command or the question with its length. */
export function packItems(list: readonly ClientItem[]): Uint8Array {
  let size = 0
  for (const item of list) size += ITEM_BYTES + payloadOf(item).length
  const writer = new ByteWriter(size)
  for (const item of list) {
    writer
      .u8(items[item.type === 'read' ? item.mode : item.type])
      .u64(item.id)
      .bytes(payloadOf(item))
  }
  return writer.take()
}

const NONE = new Uint8Array()

function payloadOf(item: ClientItem): Uint8Array {
  return item.type === 'command' ? item.payload : item.type === 'read' ? item.question : NONE
}

export function unpackItems(packed: unknown): ClientItem[] | undefined {
  return reading(packed, (reader): ClientItem => {
    const kind = reader.u8()
    const id = reader.u64()
    const payload = reader.bytes()
    switch (kind) {
      case items.open:
        return { id, type: 'open' }
      case items.command:
        return { id, type: 'command', payload }
      case items.index:
        return { id, type: 'read', question: payload, mode: 'index' }
      case items.lease:
        return { id, type: 'read', question: payload, mode: 'lease' }
      default:
        throw new CodecError(`no kind of request: ${kind}`)
    }
  })
}

// ---- answers ---------------------------------------------------------------------------------------------------------

const answers = { answer: 1, session: 2, refused: 3, redirected: 4 } as const
/** What an answer needs beside its bytes. */
const ANSWER_BYTES = 17

/** u8 kind, u64 id, then by kind: the answer, the session, why it is refused, or that and who leads. */
export function packAnswers(list: readonly ClientAnswer[]): Uint8Array {
  let size = 0
  for (const { answer } of list) size += ANSWER_BYTES + (answer?.length ?? 0)
  const writer = new ByteWriter(size)
  for (const { id, answer, session, refused, leader } of list) {
    if (answer !== undefined) writer.u8(answers.answer).u64(id).bytes(answer)
    else if (session !== undefined) writer.u8(answers.session).u64(id).u64(session)
    else if (refused === undefined) throw new CodecError('an answer that says nothing')
    else {
      const why = REFUSALS.indexOf(refused)
      if (leader === undefined) writer.u8(answers.refused).u64(id).u8(why)
      else writer.u8(answers.redirected).u64(id).u8(why).text(leader)
    }
  }
  return writer.take()
}

export function unpackAnswers(packed: unknown): ClientAnswer[] | undefined {
  return reading(packed, (reader): ClientAnswer => {
    const kind = reader.u8()
    const id = reader.u64()
    if (kind === answers.answer) return { id, answer: reader.bytes() }
    if (kind === answers.session) return { id, session: reader.u64() }
    const refused = REFUSALS[reader.u8()]
    if (refused === undefined || kind < answers.refused || kind > answers.redirected) {
      throw new CodecError('no answer to a client')
    }
    return { id, refused, leader: kind === answers.redirected ? reader.text() : undefined }
  })
}

/** All of a list; undefined if these bytes are none. */
function reading<T>(packed: unknown, next: (reader: ByteReader) => T): T[] | undefined {
  if (!(packed instanceof Uint8Array)) return undefined
  const reader = new ByteReader(packed)
  const list: T[] = []
  try {
    while (reader.left > 0) list.push(next(reader))
  } catch (error) {
    if (error instanceof CodecError) return undefined
    throw error
  }
  return list
}
