// The bytes of a configuration, as entries and snapshots carry it. One configuration has exactly one encoding:
//
//   version (1), flags (1: joint), the members, then the outgoing members if joint; each list: count, 2 bytes; each
//   member: role (0 voter, 1 learner, 2 witness; +4: to be promoted), id and incarnation with a length of one byte each.

import type { Configuration, Member, MemberRole } from './configuration.ts'

const version = 1
const roles: readonly MemberRole[] = ['voter', 'learner', 'witness']
const toPromote = 4
/** Largest id and incarnation, in bytes of UTF-8. */
export const maxNameBytes = 255

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const bytes: number[] = [version, configuration.outgoing === undefined ? 0 : 1]
  putMembers(bytes, configuration.members)
  if (configuration.outgoing !== undefined) putMembers(bytes, configuration.outgoing)
  return Uint8Array.from(bytes)
}

/** The configuration that `bytes` are; undefined if they are none. */
export function decodeConfiguration(bytes: Uint8Array): Configuration | undefined {
  const reader = new Reader(bytes)
  if (reader.byte() !== version) return undefined
  const joint = reader.byte()
  if (joint > 1) return undefined
  const members = reader.members()
  const outgoing = joint === 1 ? reader.members() : undefined
  if (!reader.isWhole) return undefined
  return outgoing === undefined ? { members } : { members, outgoing }
}

function putMembers(bytes: number[], members: readonly Member[]): void {
  bytes.push(members.length >>> 8, members.length & 0xff)
  for (const { id, incarnation, role, promote } of members) {
    bytes.push(roles.indexOf(role) + (promote === true ? toPromote : 0))
    for (const name of [id, incarnation]) {
      const text = new TextEncoder().encode(name)
      bytes.push(text.length, ...text)
    }
  }
}

/** Reads what is there; what is not, or not as it must be, spoils the whole. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #isSound = true

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isWhole(): boolean {
    return this.#isSound && this.#at === this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.#at]
    this.#at += 1
    if (value === undefined) this.#isSound = false
    return value ?? 0
  }

  members(): Member[] {
    const members: Member[] = []
    const count = this.byte() * 256 + this.byte()
    for (let i = 0; i < count && this.#isSound; i += 1) {
      const bits = this.byte()
      const id = this.#name()
      const incarnation = this.#name()
      const role = roles[bits % toPromote]
      const before = members.at(-1)
      if (role === undefined || bits >= 2 * toPromote || (before !== undefined && before.id >= id))
        this.#isSound = false
      else members.push({ id, incarnation, role, ...(bits >= toPromote ? { promote: true } : {}) })
    }
    return members
  }

  #name(): string {
    const length = this.byte()
    const text = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    if (text.length < length) this.#isSound = false
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)
    } catch {
      this.#isSound = false
      return ''
    }
  }
}
