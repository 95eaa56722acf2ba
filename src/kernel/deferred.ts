// A promise that is settled elsewhere. Every call, start and receive makes one: the executor is one for all of them, so
// none costs a closure of its own.

type Resolve = (value: unknown) => void
type Reject = (error: unknown) => void

let resolveNewest: Resolve
let rejectNewest: Reject

const executor = (resolve: Resolve, reject: Reject): void => {
  resolveNewest = resolve
  rejectNewest = reject
}

/** A promise whose functions {@link resolverOfNewest} and {@link rejecterOfNewest} answer until the next is made. */
export function newDeferred<T>(): Promise<T> {
  const promise: Promise<unknown> = new Promise(executor)
  return promise as Promise<T>
}

export function resolverOfNewest(): Resolve {
  return resolveNewest
}

export function rejecterOfNewest(): Reject {
  return rejectNewest
}
