// A user's first program. It is copied into an empty project, compiled there, and run by every Node we promise.
import { type Clock, type EspalierError, OptionError } from 'espalier'
import type { Files } from 'espalier/flows'

const still: Pick<Clock, 'now'> = { now: () => 0 }
const files: Partial<Files> = {}
const error: EspalierError = new OptionError('periodMs', -1, 'a positive number')
console.log(error.code, error.message, still.now(), Object.keys(files).length)
