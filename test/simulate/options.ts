// What the command was told, as its parts need it.

export interface CommandOptions {
  readonly seeds: number
  readonly seed: number
  readonly sabotage: 'lost-ack' | 'ambient' | undefined
  /** Schedule files and folders. */
  readonly paths: readonly string[]
  /** The file that all events go to. */
  readonly trace: string | undefined
  readonly out: string
  readonly print: (line: string) => void
}
