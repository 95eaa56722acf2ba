// What a command entry of the log carries: a command for the state machine, alone or as a request of a client session,
// or a change of the sessions themselves.
//
// u8 kind, then by kind: open: u64 time to live, u32 most sessions. request: u64 session, u64 serial, u64 lowest serial
// whose answer the client still awaits, command. plain: command. expire, close: u64 session. What an operator can set
// (time to live, number of sessions) is written into the command: replicas with other options still agree.

import { ByteReader, ByteWriter, CodecError } from './bytes.ts'

export type Command =
  /** Opens a session, whose id is the index of this entry. */
  | { readonly kind: 'open'; readonly ttlMs: number; readonly maxSessions: number }
  | {
      readonly kind: 'request'
      readonly session: number
      /** Counts the requests of the session from 1. */
      readonly serial: number
      /** Answers below this serial have arrived: nobody will ask for them again. */
      readonly acknowledgedBelow: number
      readonly command: Uint8Array
    }
  /** Without a session: applied as often as it stands in the log. */
  | { readonly kind: 'plain'; readonly command: Uint8Array }
  /** An operator ends a session. */
  | { readonly kind: 'expire'; readonly session: number }
  /** A client has no more use for its session. */
  | { readonly kind: 'close'; readonly session: number }

const kinds = { open: 1, request: 2, plain: 3, expire: 4, close: 5 } as const

export function encodeCommand(command: Command): Uint8Array {
  switch (command.kind) {
    case 'open':
      return new ByteWriter(13).u8(kinds.open).u64(command.ttlMs).u32(command.maxSessions).take()
    case 'request': {
      const { session, serial, acknowledgedBelow, command: bytes } = command
      const writer = new ByteWriter(25 + bytes.length).u8(kinds.request)
      return writer.u64(session).u64(serial).u64(acknowledgedBelow).raw(bytes).take()
    }
    case 'plain':
      return new ByteWriter(1 + command.command.length).u8(kinds.plain).raw(command.command).take()
    default:
      return new ByteWriter(9).u8(kinds[command.kind]).u64(command.session).take()
  }
}

/** The command in a payload; views into it. @throws CodecError for bytes that are none. */
export function decodeCommand(payload: Uint8Array): Command {
  const reader = new ByteReader(payload)
  const kind = reader.u8()
  switch (kind) {
    case kinds.request: {
      const [session, serial, acknowledgedBelow] = [reader.u64(), reader.u64(), reader.u64()]
      return { kind: 'request', session, serial, acknowledgedBelow, command: reader.rest() }
    }
    case kinds.plain:
      return { kind: 'plain', command: reader.rest() }
    case kinds.open: {
      const command: Command = { kind: 'open', ttlMs: reader.u64(), maxSessions: reader.u32() }
      reader.end()
      return command
    }
    case kinds.expire:
    case kinds.close: {
      const session = reader.u64()
      reader.end()
      return { kind: kind === kinds.expire ? 'expire' : 'close', session }
    }
    default:
      throw new CodecError(`no kind of command: ${kind}`)
  }
}
