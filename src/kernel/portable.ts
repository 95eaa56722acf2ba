// What may cross to another node, and how msgpackr is told of it. A value is walked once at the send: plain data goes to
// msgpackr as it is; what msgpackr would lose or change is put into a `Special`, one extension for all kinds. Nothing is
// turned into something else silently: what cannot cross is refused with its path, or, in what must cross whatever it
// holds (exit reasons), shown as text.

import { NotPortableError, show } from './errors.ts'
import { locationIn } from './location.ts'
import { NamedRef } from './named-ref.ts'
import { Pid, Reference } from './pid.ts'
import { unmark } from './transfer.ts'

/** Levels of nesting that may cross: deeper values are refused, for both sides recurse. */
const MAX_DEPTH = 500

/** The kinds of `Special`, by the number that goes over the wire. */
export const PID = 0
export const REFERENCE = 1
export const MAP = 2
export const SET = 3
export const DATE = 4
export const BIGINT = 5
export const BYTES = 6
export const ERROR = 7
export const ENTRIES = 8
export const UTF16 = 9
export const MINUS_ZERO = 10
export const NAME = 11
/** As ENTRIES, of an object without a prototype. */
export const BARE = 12
/** A definition that says where it is exported. */
export const DEFINITION = 13
/** Bytes that go beside the frame: their kind, and their number there. */
export const MOVED = 14

/** A value in a form that msgpackr carries: `[kind, …]`. */
export class Special {
  readonly parts: readonly unknown[]
  constructor(parts: readonly unknown[]) {
    this.parts = parts
  }
}

/** Property names that mean something to a decoder or an encoder. */
export const hazards: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'toJSON'])
export const loneSurrogate = /\p{Surrogate}/u

/**
 * `value` as msgpackr can carry it. Throws {@link NotPortableError}, or shows what cannot cross as text if `lenient`.
 * `moved`: where the buffers go that are marked to be moved; undefined: they are copied as all others.
 */
export function toPortable(value: unknown, field: string, lenient = false, moved?: ArrayBuffer[]): unknown {
  return new Walk(lenient, moved).visit(value, { name: field, outer: null, depth: 0, value: undefined })
}

/** Where the walk is: its outer places make the path, and show a cycle. */
interface Place {
  readonly name: string
  readonly outer: Place | null
  readonly depth: number
  /** What holds the value at this place. */
  readonly value: unknown
}

class Walk {
  readonly #lenient: boolean
  readonly #moved: ArrayBuffer[] | undefined

  constructor(lenient: boolean, moved: ArrayBuffer[] | undefined) {
    this.#lenient = lenient
    this.#moved = moved
  }

  visit(value: unknown, at: Place): unknown {
    switch (typeof value) {
      case 'string':
        return loneSurrogate.test(value) ? new Special([UTF16, codeUnits(value)]) : value
      case 'number':
        return Object.is(value, -0) ? new Special([MINUS_ZERO]) : value
      case 'bigint':
        return new Special([BIGINT, value.toString(16)])
      case 'function':
        return this.#refuse(value, at, 'a function')
      case 'symbol':
        return this.#refuse(value, at, 'a symbol')
      case 'object':
        return value === null ? null : this.#object(value, at)
      default:
        return value
    }
  }

  #refuse(value: unknown, at: Place, what: string): unknown {
    if (this.#lenient) return show(value)
    throw new NotPortableError(pathOf(at), what)
  }

  #object(value: object, at: Place): unknown {
    if (value instanceof NamedRef) return new Special([NAME, value.nodeName, value.name])
    if (value instanceof Pid) return new Special([PID, value.nodeName, value.creation, value.id])
    if (value instanceof Reference) return new Special([REFERENCE, value.nodeName, value.creation, value.id])
    if (value instanceof Date) return new Special([DATE, value.getTime()])
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.#bytes(value, at)
    if (at.depth >= MAX_DEPTH) return this.#refuse(value, at, `what is nested more than ${MAX_DEPTH} deep`)
    for (let outer: Place | null = at; outer !== null; outer = outer.outer) {
      if (outer.value === value) return this.#refuse('[cycle]', at, 'what is part of itself')
    }
    if (value instanceof Error) return this.#error(value, at)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (Array.isArray(value) && prototype === Array.prototype) return this.#array(value, at)
    if (prototype === Map.prototype) return this.#map(value as ReadonlyMap<unknown, unknown>, at)
    if (prototype === Set.prototype) return this.#set(value as ReadonlySet<unknown>, at)
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, at)
    return this.#refuse(value, at, `an instance of ${className(prototype)}`)
  }

  #bytes(value: ArrayBufferView | ArrayBuffer, at: Place): unknown {
    const kind = value instanceof Uint8Array ? 'Uint8Array' : Object.prototype.toString.call(value).slice(8, -1)
    if (!(kind in views) && kind !== 'ArrayBuffer') return this.#refuse(value, at, kind)
    const buffer = value instanceof ArrayBuffer ? value : value.buffer
    if (this.#moved !== undefined && unmark(buffer)) return new Special([MOVED, kind, this.#moved.push(buffer) - 1])
    const bytes =
      value instanceof ArrayBuffer
        ? new Uint8Array(value)
        : new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return new Special([BYTES, kind, bytes])
  }

  #error(error: Error, at: Place): Special {
    const code: unknown = 'code' in error ? error.code : undefined
    const cause = 'cause' in error ? this.visit(error.cause, inside(error, '.cause', at)) : undefined
    const known = typeof code === 'string' || typeof code === 'number' ? code : undefined
    const texts = [error.name, error.message, error.stack ?? ''].map((text) => this.visit(String(text), at))
    return new Special([ERROR, ...texts, known, 'cause' in error, cause])
  }

  #array(array: readonly unknown[], at: Place): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let i = 0; i < array.length; i++) {
      const item = array[i]
      const portable = isSimple(item) ? item : this.visit(item, inside(array, `[${i}]`, at))
      if (portable !== item || !(i in array)) copy ??= array.slice(0, i)
      copy?.push(portable)
    }
    return copy ?? array
  }

  #map(map: ReadonlyMap<unknown, unknown>, at: Place): Special {
    const parts: unknown[] = [MAP]
    for (const [key, value] of map) {
      parts.push(this.visit(key, inside(map, `.key(${show(key, 40)})`, at)))
      parts.push(this.visit(value, inside(map, `.get(${show(key, 40)})`, at)))
    }
    return new Special(parts)
  }

  #set(set: ReadonlySet<unknown>, at: Place): Special {
    const parts: unknown[] = [SET]
    for (const item of set) parts.push(this.visit(item, inside(set, `.item(${parts.length - 1})`, at)))
    return new Special(parts)
  }

  #plain(object: object, at: Place): unknown {
    const definition = locationIn(object)
    if (definition !== undefined) {
      const { kind, name, location } = definition
      return new Special([DEFINITION, kind, name, location?.module, location?.export])
    }
    const names = Object.keys(object)
    let copy: Record<string, unknown> | undefined
    let special = false
    for (const symbol of Object.getOwnPropertySymbols(object)) {
      if (Object.prototype.propertyIsEnumerable.call(object, symbol)) {
        this.#refuse(symbol, inside(object, `[${String(symbol)}]`, at), 'a property named by a symbol')
      }
    }
    const values: unknown[] = []
    for (const name of names) {
      const value: unknown = Reflect.get(object, name)
      const portable = isSimple(value) ? value : this.visit(value, inside(object, `.${name}`, at))
      if (portable !== value) copy ??= {}
      if (hazards.has(name) || loneSurrogate.test(name)) special = true
      values.push(portable)
    }
    if (Object.getPrototypeOf(object) === null) return entries(BARE, names, values)
    if (special || 'toJSON' in object) return entries(ENTRIES, names, values)
    if (copy === undefined) return object
    for (const [i, name] of names.entries()) copy[name] = values[i]
    return copy
  }
}

function entries(kind: number, names: readonly string[], values: readonly unknown[]): Special {
  const parts: unknown[] = [kind]
  for (const [i, name] of names.entries()) {
    parts.push(loneSurrogate.test(name) ? new Special([UTF16, codeUnits(name)]) : name, values[i])
  }
  return new Special(parts)
}

/** Most values are: no need to note where they are. */
function isSimple(value: unknown): boolean {
  return (
    value === undefined || value === null || typeof value === 'boolean' || (typeof value === 'number' && value !== 0)
  )
}

function inside(value: unknown, name: string, outer: Place): Place {
  return { name, outer, depth: outer.depth + 1, value }
}

function pathOf(at: Place): string {
  let path = ''
  for (let place: Place | null = at; place !== null; place = place.outer) path = place.name + path
  return path
}

function className(prototype: unknown): string {
  const maker: unknown =
    typeof prototype === 'object' && prototype !== null ? Reflect.get(prototype, 'constructor') : null
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class'
}

function codeUnits(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
}

/** How a view of bytes is made again, by its kind. */
export const views: Readonly<Record<string, (buffer: ArrayBuffer) => ArrayBufferView>> = {
  Int8Array: (buffer) => new Int8Array(buffer),
  Uint8Array: (buffer) => new Uint8Array(buffer),
  Uint8ClampedArray: (buffer) => new Uint8ClampedArray(buffer),
  Int16Array: (buffer) => new Int16Array(buffer),
  Uint16Array: (buffer) => new Uint16Array(buffer),
  Int32Array: (buffer) => new Int32Array(buffer),
  Uint32Array: (buffer) => new Uint32Array(buffer),
  Float32Array: (buffer) => new Float32Array(buffer),
  Float64Array: (buffer) => new Float64Array(buffer),
  BigInt64Array: (buffer) => new BigInt64Array(buffer),
  BigUint64Array: (buffer) => new BigUint64Array(buffer),
  DataView: (buffer) => new DataView(buffer),
}
