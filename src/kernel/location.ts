// Where code is found by whoever was not handed it: the URL of a module and the name of an export. What another node
// can start: see `on` in StartOptions.

import { OptionError } from './errors.ts'
import type { Definition } from './ref.ts'

export interface Location {
  /** URL of the module, as `import.meta.url` gives it. */
  readonly module: string
  /** Name of the export. */
  readonly export: string
}

/**
 * Says where a definition is exported, so that another node can load and start it:
 *
 * `export const Counter = located(import.meta.url, 'Counter', defineServer({ … }))`
 *
 * @throws OptionError for what is no URL, or a name that is no text.
 */
export function located<T extends Definition>(module: string, name: string, definition: T): T {
  return { ...definition, location: locationOf(module, name) }
}

/**
 * The definition that a module exports, for who has only its type: `definitionAt<typeof Counter>(url, 'Counter')`. It
 * can be started on other nodes, not on the own one.
 *
 * @throws OptionError for what is no URL, or a name that is no text.
 */
export function definitionAt<T extends Definition>(
  module: string,
  name: string,
  kind: Definition['kind'] = 'server',
): T {
  const definition: unknown = {
    kind,
    name,
    location: locationOf(module, name),
    create: notHere,
  } satisfies Definition
  return definition as T
}

/** In place of the code of a definition that is known by its module only. */
function notHere(): never {
  throw new OptionError('on', undefined, 'another node: the definition is known by its module only')
}

/** Whether a definition can be started on other nodes only: see {@link definitionAt}. */
export function isElsewhere(definition: Definition): boolean {
  return definition.create === notHere
}

/** `value` if it is a definition that says where it is exported. */
export function locationIn(value: object): Definition | undefined {
  return 'create' in value && 'location' in value && typeof value.create === 'function' && value.location !== undefined
    ? (value as Definition)
    : undefined
}

/** @throws OptionError */
function locationOf(module: string, name: string): Location {
  if (typeof module !== 'string' || !URL.canParse(module)) throw new OptionError('module', module, 'a URL')
  if (typeof name !== 'string' || name === '') throw new OptionError('export', name, 'the name of an export')
  return { module, export: name }
}
