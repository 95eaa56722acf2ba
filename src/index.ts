export { EspalierError, OptionError } from './kernel/errors.ts'
export type * from './kernel/ports/index.ts'
