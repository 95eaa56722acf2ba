// Calls over a MessagePort: the methods of an object on the other thread, by name. Arguments and results are cloned.

import type { MessagePort } from 'node:worker_threads'

/** An object on another thread: each of its methods, asynchronously. */
export type Remote<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}

interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: unknown
}

/** Answers the calls that come over `port` with the methods of `target`. */
export function serve(port: MessagePort, target: object): void {
  port.on('message', async ({ id, method, args }: Request) => {
    try {
      const run: unknown = Reflect.get(target, method)
      if (typeof run !== 'function') throw new TypeError(`no method ${method}`)
      port.postMessage({ id, value: await Reflect.apply(run, target, args) } satisfies Answer)
    } catch (error) {
      port.postMessage({ id, error } satisfies Answer)
    }
  })
}

/** The object that is served at the other end of `port`. */
export function connect<T extends object>(port: MessagePort): Remote<T> {
  const waiting = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (e: unknown) => void }
  >()
  let lastId = 0
  port.on('message', ({ id, value, error }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(error)
  })
  const remote = new Proxy(
    {},
    {
      get: (_, method) => {
        // A promise would be asked for it.
        if (method === 'then') return undefined
        return (...args: readonly unknown[]) =>
          new Promise((resolve, reject) => {
            const id = ++lastId
            waiting.set(id, { resolve, reject })
            port.postMessage({ id, method: String(method), args } satisfies Request)
          })
      },
    },
  )
  return remote as Remote<T>
}
