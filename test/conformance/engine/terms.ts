// The one table between Erlang's terms in JSON and Espalier's values. It is total and knows no scenario.
//
//   Espalier                         JSON
//   string, true/false, integer      the same: atom, boolean, integer
//   undefined                        "undefined"
//   array                            array: a list
//   { tag: a, more: b }              {"t":["tag",a,b]}: the first key is the tag, the values are the elements
//   Map from 0, 1, ... to elements   {"t":[...]}: tuples that are no such object, in a form that crosses to other threads
//   { timeout: N, time, content }    {"t":[{"t":["timeout",N]},time,content]}: a state machine's action, in a reason
//   { error: R, stack }              {"t":[R,"<stack>"]}
//   Exit, Down                       {"t":["EXIT",...]}, {"t":["DOWN",...]}
//   object without a prototype       "<other>": a map
//   pid, reference                   its trace name
//   an error of the library          its reason: "badarg", "noproc"
//   a misplaced handler result       "garbage": what the scenarios' handlers return when they return nonsense

import { Down, Exit, ExitError, isCrash, next, noReply, type Pid, ProcessError, type Reference } from 'espalier'
import type { Term } from '../scenario.ts'

/** Results that no handler may return: the first is wrong from a call, the second from all others. */
export const garbage = { fromCall: next('garbage'), fromOthers: noReply('garbage') }

/** JSON to Espalier. */
export function decode(term: Term): unknown {
  if (typeof term !== 'object') return term
  if (!('t' in term)) return term.map(decode)
  const [tag, value] = term.t
  if (term.t.length === 2 && typeof tag === 'string' && value !== undefined) return { [tag]: decode(value) }
  return new Map(term.t.map((item, at) => [at, decode(item)]))
}

/** A term as a call or cast carries it: `reset` as tag, `{add, 3}` as tag and argument; all else under the tag "". */
export function toTagged(term: Term): { readonly tag: string; readonly argument: unknown } {
  if (typeof term === 'string' && term !== '') return { tag: term, argument: undefined }
  if (typeof term === 'object' && 't' in term) {
    const [tag, argument] = term.t
    if (term.t.length === 2 && typeof tag === 'string' && tag !== '' && argument !== undefined) {
      return { tag, argument: decode(argument) }
    }
  }
  return { tag: '', argument: decode(term) }
}

/** The opposite. */
export function fromTagged(names: Names, { tag, content }: { readonly tag: string; readonly content: unknown }): Term {
  if (tag === '') return names.encode(content)
  return content === undefined ? tag : { t: [tag, names.encode(content)] }
}

/** The names of processes and references in a trace. `unnamed`: what stands for others. */
export class Names {
  readonly #names = new Map<string, string>()
  readonly #unnamed: (text: string) => string

  constructor(unnamed = (text: string): string => (text.startsWith('#ref<') ? '<ref>' : '<other>')) {
    this.#unnamed = unnamed
  }

  set(what: Pid | Reference, name: string): void {
    this.#names.set(String(what), name)
  }

  get(what: Pid | Reference): string | undefined {
    return this.#names.get(String(what))
  }

  /** Espalier to JSON. */
  encode(value: unknown): Term {
    if (typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isInteger(value)) return value
    if (value === undefined) return 'undefined'
    return typeof value === 'object' && value !== null ? this.#object(value) : '<other>'
  }

  #object(value: object): Term {
    if (Array.isArray(value)) return value.map((item) => this.encode(item))
    if (value === garbage.fromCall || value === garbage.fromOthers) return 'garbage'
    if (value instanceof Map) return this.#tuple(...value.values())
    if (value instanceof Exit) return this.#tuple('EXIT', value.from, value.reason)
    if (value instanceof Down) {
      const target = typeof value.target === 'string' ? { reg: value.target } : value.target
      return this.#tuple('DOWN', value.ref, 'process', target, value.reason)
    }
    if (value instanceof ProcessError || value instanceof ExitError) return this.encode(value.reason)
    if (isCrash(value)) return this.#tuple(value.error, '<stack>')
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#tagged(value)
    return prototype === null ? '<other>' : this.#named(String(value))
  }

  #tagged(value: object): Term {
    if ('timeout' in value && 'time' in value) {
      const { timeout, ...rest } = value
      return this.#tuple({ timeout }, ...Object.values(rest))
    }
    const [first, ...rest] = Object.entries(value)
    return first === undefined ? '<other>' : this.#tuple(...first, ...rest.map(([, item]) => item))
  }

  #named(text: string): Term {
    return this.#names.get(text) ?? this.#unnamed(text)
  }

  #tuple(...items: readonly unknown[]): Term {
    return { t: items.map((item) => this.encode(item)) }
  }
}

/** The order of JSON texts. */
export function byText(a: Term, b: Term): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
