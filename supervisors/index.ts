export type { Files } from '../src/kernel/ports/index.ts'
