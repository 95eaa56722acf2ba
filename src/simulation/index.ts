export type { Random } from '../kernel/ports/index.ts'
export { deriveSeeds, PARTS, partsOf, SeededRandom } from './random.ts'
export { digestOf, TraceHash } from './trace-hash.ts'
