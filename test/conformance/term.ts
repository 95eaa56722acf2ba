// Terms and JSON text of the oracle's format (FORMAT.md section 1).

/** An Erlang term in JSON: atom or name, integer, boolean, list, tuple `{t: […]}`. */
export type Term = string | number | boolean | readonly Term[] | { readonly t: readonly Term[] }

/** One event of a trace: its kind, then its arguments. */
export type TraceEvent = readonly Term[]

/** One segment per step, one for the start before them, one for the final state after them. */
export type Trace = readonly (readonly TraceEvent[])[]
