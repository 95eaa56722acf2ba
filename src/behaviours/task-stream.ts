// The same work on many items, so many at a time: Elixir's Task.async_stream. Items are drawn, and results held back, only
// as far as there are tasks allowed at once: neither end of the stream can outrun the other.

import { OptionError } from '../kernel/errors.ts'
import { ExitError } from '../kernel/exit-reason.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Self } from '../kernel/self.ts'
import { RequestCollection, waitResponse } from './requests.ts'
import { startForStream, type Task, type TaskResult, type TaskSupervisor } from './task.ts'

export interface AsyncStreamOptions {
  /** Tasks at once. Default 8. */
  readonly maxConcurrency?: number
  /** Results in the order of the items, not of their coming. Default true. */
  readonly ordered?: boolean
  /** Milliseconds that a task may take. Default 5000; `Infinity` for no limit. */
  readonly timeoutMs?: number
  /**
   * What a task too slow brings about: the end of the stream, which then throws `timeout` (`exit`, the default), or its
   * own end only, with `{ exit: 'timeout' }` as its result (`kill_task`).
   */
  readonly onTimeout?: 'exit' | 'kill_task'
  /** Put the tasks under this task supervisor. */
  readonly supervisor?: TaskSupervisor
  /** Link the tasks to the process that asks, so that one that fails takes it along. Default true, if a process asks. */
  readonly link?: boolean
}

interface Settings {
  readonly maxConcurrency: number
  readonly ordered: boolean
  readonly timeoutMs: number
  readonly onTimeout: 'exit' | 'kill_task'
}

function settings(options: AsyncStreamOptions): Settings {
  const { maxConcurrency = 8, ordered = true, timeoutMs = 5000, onTimeout = 'exit' } = options
  if (!Number.isInteger(maxConcurrency) || maxConcurrency < 1) {
    throw new OptionError('maxConcurrency', maxConcurrency, 'an integer >= 1')
  }
  if (onTimeout !== 'exit' && onTimeout !== 'kill_task') {
    throw new OptionError('onTimeout', onTimeout, "'exit' or 'kill_task'")
  }
  return { maxConcurrency, ordered, timeoutMs, onTimeout }
}

/**
 * Runs `work` on each item in a task of its own and yields the results. When the consumer stops, or anything throws, the
 * tasks under way are killed. Elixir: `Task.async_stream/3`, `Task.Supervisor.async_stream_nolink/4`.
 */
export async function* asyncStream<I, T>(
  by: Node | Self,
  items: Iterable<I> | AsyncIterable<I>,
  work: (item: I, self: Self) => T | PromiseLike<T>,
  options: AsyncStreamOptions = {},
): AsyncGenerator<TaskResult<T>, void, void> {
  const { maxConcurrency, ordered, timeoutMs, onTimeout } = settings(options)
  const actor = actorOf(by)
  const link = actor.process !== null && (options.link ?? true)
  const source = iterate(items)
  const running = new Set<Task<T>>()
  const requests = new RequestCollection<T, Task<T>>()
  let more = true
  try {
    for (;;) {
      while (more && running.size < maxConcurrency) {
        const { done, value } = await source.next()
        more = done !== true
        if (done === true) break
        const { task, call } = await startForStream(actor, options.supervisor, (self) => work(value, self), link)
        if (timeoutMs !== Number.POSITIVE_INFINITY && !call.done) call.limit(actor.node.timers, timeoutMs)
        running.add(task)
        if (!ordered) requests.add(task.request, task)
      }
      const next = ordered ? await firstOf(running) : await nextOf(requests)
      if (next === undefined) return
      running.delete(next)
      yield takeResult(next, onTimeout)
    }
  } finally {
    requests.release()
    for (const task of running) task.abort()
    await source.return?.()
  }
}

function iterate<I>(items: Iterable<I> | AsyncIterable<I>): AsyncIterator<I> | Iterator<I> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}

async function firstOf<T>(running: ReadonlySet<Task<T>>): Promise<Task<T> | undefined> {
  const [task] = running
  if (task !== undefined) await waitResponse(task.request)
  return task
}

async function nextOf<T>(requests: RequestCollection<T, Task<T>>): Promise<Task<T> | undefined> {
  const next = await requests.waitResponse()
  return typeof next === 'string' ? undefined : next.label
}

function takeResult<T>(task: Task<T>, onTimeout: 'exit' | 'kill_task'): TaskResult<T> {
  const { response } = task.request
  if (response === undefined) return { exit: 'timeout' }
  if ('reply' in response) return { ok: response.reply }
  if (response.error !== 'timeout') return { exit: response.error }
  task.end()
  if (onTimeout === 'exit') throw new ExitError('timeout', task.pid, `task ${task.pid} of a stream`)
  return { exit: 'timeout' }
}
