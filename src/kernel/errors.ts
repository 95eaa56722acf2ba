// Errors with stable codes. A code is a contract: it survives a thread crossing and a change of wording.

/** The base of every error that Espalier throws on purpose. */
export class EspalierError extends Error {
  /** Stable, machine-readable: `ERR_…`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A wrong option, argument or file: names the field, the value, and what is allowed. */
export class OptionError extends EspalierError {
  readonly field: string

  constructor(field: string, value: unknown, allowed: string) {
    super('ERR_OPTION', `${field}: expected ${allowed}, got ${show(value)}`)
    this.field = field
  }
}

/** A kernel operation that Erlang refuses with an error: `reason` is Erlang's own. */
export class ProcessError extends EspalierError {
  readonly reason: 'badarg' | 'noproc'

  constructor(reason: 'badarg' | 'noproc', message: string) {
    super(reason === 'badarg' ? 'ERR_BADARG' : 'ERR_NOPROC', message)
    this.reason = reason
  }
}

/** A bound that the user set, or left at its default, has been reached: names the option and its value. */
export class CapacityError extends EspalierError {
  /** The option that sets the bound. */
  readonly field: string
  readonly limit: number

  constructor(what: string, field: string, limit: number) {
    super('ERR_CAPACITY', `${what}: full (${field} is ${limit})`)
    this.field = field
    this.limit = limit
  }
}

/** Offloaded work that was given up because its time was over: `ERR_OFFLOAD_TIMEOUT`. */
export class OffloadTimeout extends EspalierError {
  constructor(what: string, timeoutMs: number) {
    super('ERR_OFFLOAD_TIMEOUT', `${what} was not done within ${timeoutMs} ms`)
  }
}

/** A value as a person would want to see it in one line: bounded in length and depth, and never throws. */
export function show(value: unknown, maxLength = 120): string {
  let text: string
  if (typeof value === 'string') text = JSON.stringify(value)
  else if (typeof value === 'function') text = value.name === '' ? 'a function' : `function ${value.name}`
  else if (value instanceof Error) text = `${value.name}: ${value.message}`
  else if (typeof value === 'object' && value !== null) {
    try {
      text = JSON.stringify(value, jsonSafe) ?? String(value)
    } catch {
      text = Object.prototype.toString.call(value)
    }
  } else text = String(value)
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text
}

function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return '[function]'
  if (typeof value === 'symbol') return value.toString()
  return value
}

/** Something in a message cannot cross to another node: a function, a symbol, a class instance, a cycle. */
export class NotPortableError extends EspalierError {
  /** Where in the message it is, such as `payload.items[3].onDone`; `payload` for the message itself. */
  readonly field: string

  constructor(field: string, what: string) {
    super('ERR_NOT_PORTABLE', `${field}: ${what} cannot cross to another node`)
    this.field = field
  }
}
