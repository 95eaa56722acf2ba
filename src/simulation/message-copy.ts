// A message as the other node gets it: nodes share no memory, so what a sender changes afterwards must not be seen.

import { OptionError } from '../kernel/errors.ts'
import { Pid, Reference } from '../kernel/pid.ts'

/**
 * A deep copy of plain data, arrays, Map, Set, Date, Error and binary data; pids and references are values and stay what
 * they are; an instance of another class arrives as its own fields. Functions and symbols throw an OptionError.
 */
export function copyMessage<T>(message: T): T
export function copyMessage(message: unknown): unknown {
  if (typeof message === 'function' || typeof message === 'symbol') {
    throw new OptionError('message', message, 'data: a function or a symbol cannot leave its node')
  }
  if (typeof message !== 'object' || message === null) return message
  // Most messages are plain: told at once, where each `instanceof` would walk up to the end of the prototypes.
  if (Object.getPrototypeOf(message) === Object.prototype) return copyFields(message)
  if (Array.isArray(message)) return message.map((item: unknown) => copyMessage(item))
  if (message instanceof Pid || message instanceof Reference) return message
  return copyObject(message)
}

/** Its code is part of what an error says. */
function copyError(error: Error): Error {
  const copy = structuredClone(error)
  return 'code' in error ? Object.assign(copy, { code: copyMessage(error.code) }) : copy
}

function copyObject(value: object): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copyMessage(key), copyMessage(item)]))
  if (value instanceof Set) return new Set([...value].map((item) => copyMessage(item)))
  if (value instanceof Error) return copyError(value)
  // Only what the view shows, and none of the buffer around it.
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (value instanceof Date || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return structuredClone(value)
  }
  return copyFields(value)
}

function copyFields(value: object): unknown {
  // A spread copies all fields at one stroke; most are no objects.
  const copy: Record<string, unknown> = { ...value }
  for (const key in copy) {
    const field = copy[key]
    if (typeof field !== 'object' ? typeof field === 'function' || typeof field === 'symbol' : field !== null) {
      copy[key] = copyMessage(field)
    }
  }
  return copy
}
