// The errors of the distribution layer.

import { EspalierError } from '../kernel/errors.ts'

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
