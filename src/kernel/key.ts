// Keys of registries, groups and tables: text, numbers and tuples of them, so that a name like
// ['agent', 'planner', 7] needs no spelling of its own. Equal keys are equal by content, never by identity.

import { OptionError } from './errors.ts'

/** What something can be registered under. Numbers are finite; `1` and `'1'` are different keys. */
export type Key = string | number | readonly (string | number)[]

/**
 * What a JavaScript Map can tell keys apart by: text and numbers as they are, a tuple as its text behind a NUL.
 * @throws OptionError for anything that is no {@link Key}.
 */
export function mapKey(key: Key): string | number {
  if (typeof key === 'string') return key.charCodeAt(0) === 0 ? `\0${JSON.stringify(key)}` : key
  if (typeof key === 'number' && Number.isFinite(key)) return key
  return `\0${keyText(key)}`
}

/**
 * A key as text, injective and free of lone surrogates; {@link keyOf} reads it back.
 * @throws OptionError for anything that is no {@link Key}.
 */
export function keyText(key: Key): string {
  if (isAtom(key) || (Array.isArray(key) && key.every(isAtom))) return JSON.stringify(key)
  throw new OptionError('key', key, 'text, a finite number, or an array of them')
}

/** The key that {@link keyText} wrote. */
export function keyOf(text: string): Key {
  return JSON.parse(text) as Key
}

function isAtom(value: unknown): value is string | number {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))
}
