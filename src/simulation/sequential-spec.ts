// What an object does when one client uses it at a time: the yardstick of linearizability. A specification is pure.

/**
 * A sequential specification. `State` is one partition's state (for a map: one key's value); it is never changed in
 * place.
 */
export interface SequentialSpec<State, Input, Output> {
  /** The state of a partition before its first operation. */
  readonly initial: State
  /** What `input` does to `state`, and what it must answer. Total and deterministic. */
  apply(state: State, input: Input): { readonly state: State; readonly output: Output }
  /** Whether the recorded answer is the one that was due. Default: `Object.is`. */
  accepts?(recorded: Output, due: Output): boolean
  /** Equal for equal states, different for different ones. Default: the state itself (then a primitive). */
  identify?(state: State): string | number | boolean | null
  /**
   * Whether `input`, answered with `output`, leaves every state as it is in which it may be so answered. Such operations
   * are placed as soon as they fit, which shortens the search. Default: never.
   */
  isRead?(input: Input, output: Output): boolean
  /**
   * Which independent part of the object `input` touches. Parts are judged apart, which is what makes long histories
   * cheap (linearizability is local: Herlihy & Wing 1990, theorem 1). Default: one part.
   */
  partition?(input: Input): string
}
