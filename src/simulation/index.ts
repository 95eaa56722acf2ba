export type { Random } from '../kernel/ports/index.ts'
