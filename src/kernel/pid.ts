// Addresses as values: a pid names one process of one node for ever, a reference names one monitor, alias or timer.
// They hold no behaviour beyond printing; `Ref` (ref.ts) is the pid one can talk to.

/** In place of a creation: whichever life of the node there is. Lives count from 0. */
export const ANY_LIFE = -1

/** The identity of a process. Two pids with the same text name the same process. */
export class Pid {
  /** Name of the node the process lives on. */
  readonly nodeName: string
  /** Which life of a node of that name: a restarted node never reuses a pid. */
  readonly creation: number
  readonly id: number

  constructor(nodeName: string, creation: number, id: number) {
    this.nodeName = nodeName
    this.creation = creation
    this.id = id
  }

  /** `<node.creation.id>`; `<node.name>` for an address by name. */
  toString(): string {
    return `<${this.nodeName}.${this.creation}.${this.id}>`
  }

  /** The same as text, so that a record or a log line can hold it. */
  toJSON(): string {
    return this.toString()
  }
}

/** True if both name the same process, or the same name. Pids that never left their node may be compared with `===`. */
export function samePid(a: Pid, b: Pid): boolean {
  if (a === b) return true
  if (a.id !== b.id || a.creation !== b.creation || a.nodeName !== b.nodeName) return false
  return a.creation !== ANY_LIFE || a.toString() === b.toString()
}

/** A unique value of one node: what `monitor`, `alias` and `sendAfter` answer. */
export class Reference {
  readonly nodeName: string
  readonly creation: number
  readonly id: number

  constructor(nodeName: string, creation: number, id: number) {
    this.nodeName = nodeName
    this.creation = creation
    this.id = id
  }

  /** `#ref<node.creation.id>` */
  toString(): string {
    return `#ref<${this.nodeName}.${this.creation}.${this.id}>`
  }

  /** The same as text, so that a record or a log line can hold it. */
  toJSON(): string {
    return this.toString()
  }
}

/** True if both are the same reference, also after one of them has crossed a thread. */
export function sameReference(a: Reference, b: Reference): boolean {
  return a === b || (a.id === b.id && a.creation === b.creation && a.nodeName === b.nodeName)
}
