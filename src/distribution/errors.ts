// The errors of the distribution layer.

import { EspalierError } from '../kernel/errors.ts'

/** Something in a message cannot cross to another node: a function, a symbol, a class instance, a cycle. */
export class NotPortableError extends EspalierError {
  /** Where in the message it is, such as `payload.items[3].onDone`; `payload` for the message itself. */
  readonly field: string

  constructor(field: string, what: string) {
    super('ERR_NOT_PORTABLE', `${field}: ${what} cannot cross to another node`)
    this.field = field
  }
}

/** A carrier could not connect, or was asked to listen twice under one name. */
export class CarrierError extends EspalierError {
  constructor(message: string) {
    super('ERR_CARRIER', message)
  }
}

/** Bytes from another node that are not what a node of this version sends. */
export class FrameError extends EspalierError {
  constructor(what: string) {
    super('ERR_FRAME', what)
  }
}
