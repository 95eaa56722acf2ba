// What the command was told, as its parts need it.

import type { ProtocolName } from './protocols.ts'

export interface CommandOptions {
  /** Whose seeds are run; undefined for schedule files. */
  readonly protocol: ProtocolName | undefined
  readonly seeds: number
  readonly seed: number
  /** What is broken, by name. */
  readonly sabotage: string | undefined
  /** Schedule files and folders. */
  readonly paths: readonly string[]
  /** The file that all events go to. */
  readonly trace: string | undefined
  readonly out: string
  /** How many threads run seeds. */
  readonly jobs: number
  /** The first failure ends the run. */
  readonly bail: boolean
  readonly print: (line: string) => void
}
