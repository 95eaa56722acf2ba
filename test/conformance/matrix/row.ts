// What the coverage matrix is a list of: one row per option, return and error that a manual page of OTP 25 documents.

export interface Row {
  /** OTP's words, as Markdown. */
  readonly otp: string
  /** Ours; a dash where there is none. */
  readonly ours: string
  /** Names of scenarios that show it: of the section's kind, or `kind/name`. */
  readonly scenarios?: readonly string[]
  /** What the text of each of these scenarios contains, trace included: naming one that does not show the row fails. */
  readonly has?: readonly string[]
  /** Tests that show what the scenarios' format cannot say: `room/file: title`, for test/room/file.test.ts. */
  readonly tests?: readonly string[]
  /** Where we differ on purpose, and why. */
  readonly differs?: string
}

export interface Group {
  readonly title: string
  readonly rows: readonly Row[]
}

export interface Section {
  readonly title: string
  /** The manual page. */
  readonly manual: string
  /** The kind of its scenarios. */
  readonly kind: 'supervisor' | 'server' | 'statem' | 'signals'
  readonly groups: readonly Group[]
}
