export type { Clock } from '../kernel/ports/index.ts'
