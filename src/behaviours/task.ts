// Tasks: processes that do one thing and tell its result to who has started them. Elixir's Task and Task.Supervisor.
//
// A task answers a call that its owner has open with it: so its result, its failure and its time limit come to the owner
// in order with everything else, and not at all once the owner has ended.

import type { Turn } from '../kernel/behaviour.ts'
import type { Call } from '../kernel/call.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import type { Node } from '../kernel/node.ts'
import { type Actor, actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { Process } from '../kernel/process.ts'
import { RawBehaviour } from '../kernel/raw.ts'
import type { CallOptions, Definition, Ref } from '../kernel/ref.ts'
import type { Body, Self } from '../kernel/self.ts'
import { spawnProcess } from '../kernel/start.ts'
import { isThenable, never } from '../kernel/thenable.ts'
import {
  deadlineOf,
  RequestCollection,
  RequestId,
  receiveResponse,
  type WaitOptions,
  waitResponse,
} from './requests.ts'
import type { StartChildResult, SupervisorDefinition } from './supervisor.ts'
import { supervisor } from './supervisor.ts'

/** How long `await` and `yield` wait by default, in milliseconds: Elixir's. */
const AWAIT_MS = 5000
/** How long `awaitMany` waits by default, in milliseconds. */
const AWAIT_MANY_MS = 30_000

/** What a task does: runs in a process of its own, whose hands it is given. */
export type TaskBody<T> = (self: Self) => T | PromiseLike<T>

/** How a task has ended: with its value, or with the exit reason of its process (`timeout`: it was not in time). */
export type TaskResult<T> = { readonly ok: T } | { readonly exit: ExitReason }

/** A task under way, in the hands of its owner. */
export class Task<T> {
  readonly pid: Pid
  /** @internal */
  readonly request: RequestId<T>

  /** @internal */
  constructor(request: RequestId<T>) {
    this.pid = request.callee
    this.request = request
  }

  /**
   * Waits for the value. Rejects with ExitError: with the exit reason of a task that failed, or `timeout` after
   * `timeoutMs` (default 5000); the task is then killed. Elixir: `Task.await/2`, where the caller exits instead.
   */
  async await(options?: WaitOptions): Promise<T> {
    const response = await receiveResponse(this.request, options ?? { timeoutMs: AWAIT_MS })
    if (response === 'timeout') this.#end('kill')
    return unwrap(this.pid, response === 'timeout' ? { exit: 'timeout' } : resultOf(response))
  }

  /** Waits up to `timeoutMs` (default 5000) and lets the task go on if it is not done. Elixir: `Task.yield/2`. */
  async yield(options?: WaitOptions): Promise<TaskResult<T> | undefined> {
    const response = await waitResponse(this.request, options ?? { timeoutMs: AWAIT_MS })
    return response === 'timeout' ? undefined : resultOf(response)
  }

  /**
   * Ends the task: by `shutdown`, and by `kill` after `timeoutMs` (default 5000; 0: at once). Answers its result if it
   * had come to one by itself. Elixir: `Task.shutdown/2`.
   */
  async shutdown(options: CallOptions = {}): Promise<TaskResult<T> | undefined> {
    const { timeoutMs = AWAIT_MS } = options
    if (timeoutMs > 0) this.#end('shutdown')
    let response = await waitResponse(this.request, { timeoutMs })
    if (response === 'timeout') {
      this.#end('kill')
      response = await waitResponse(this.request)
    }
    const result = response === 'timeout' ? undefined : resultOf(response)
    const ours = result !== undefined && 'exit' in result && (result.exit === 'shutdown' || result.exit === 'killed')
    return ours ? undefined : result
  }

  /** @internal Kills the task, whoever waits for it, and forgets it. */
  abort(): void {
    if (this.request.response === undefined) this.end()
    this.request.abandon()
  }

  /** @internal Kills the process of the task. */
  end(): void {
    this.#end('kill')
  }

  // Its end is the owner's wish: it must not strike back through the link.
  #end(reason: 'kill' | 'shutdown'): void {
    const { pid } = this
    const { node, process } = this.request.actor
    if (process?.alive === false) return
    if (process?.linkSet?.delete(pid)) node.post(pid, { kind: 'unlink', to: pid, from: process.pid })
    if (process === null) node.sendExit(pid, reason)
    else node.post(pid, { kind: 'exit', to: pid, from: process.pid, reason })
  }
}

function resultOf<T>(response: { readonly reply: T } | { readonly error: ExitReason }): TaskResult<T> {
  return 'reply' in response ? { ok: response.reply } : { exit: response.error }
}

function unwrap<T>(pid: Pid, result: TaskResult<T>): T {
  if ('ok' in result) return result.ok
  throw new ExitError(result.exit, pid, `task ${pid}`)
}

// ---- starting ----------------------------------------------------------------------------------------------------------

/** What the process of a task under a supervisor is started with. */
class TaskStart {
  readonly body: TaskBody<unknown>
  /** Makes the call that the task answers. */
  readonly callOf: ((pid: Pid) => Call) | undefined
  /** Whom it is linked to besides its supervisor. */
  readonly link: Process | null

  constructor(body: TaskBody<unknown>, callOf?: (pid: Pid) => Call, link: Process | null = null) {
    this.body = body
    this.callOf = callOf
    this.link = link
  }
}

/** The body of a task's process: answers the call, if there is one, with its value. */
function answering(body: TaskBody<unknown>, callOf: () => Call | undefined): Body {
  return function task(self) {
    const value = body(self)
    if (isThenable(value)) return value.then((late) => callOf()?.answer(late))
    callOf()?.answer(value)
    return undefined
  }
}

/** A task as the child of a supervisor: its start is over as soon as it runs. */
class SupervisedTask extends RawBehaviour {
  readonly #process: Process

  constructor(process: Process, self: Self, { body, callOf, link }: TaskStart) {
    const call = callOf?.(process.pid)
    super(
      process,
      self,
      answering(body, () => call),
    )
    this.#process = process
    process.raw = true
    call?.open(process)
    if (!link?.alive) return
    link.links.add(process.pid)
    process.links.add(link.pid)
  }

  override init(): Turn {
    this.#process.started({ ok: this.#process.pid })
    return super.init()
  }
}

const supervisedTask: Definition<TaskStart> = {
  kind: 'task',
  name: 'task',
  create: (process, self, argument) => new SupervisedTask(process, self, argument as TaskStart),
}

export interface TaskSupervisorOptions {
  /** Default: no limit. One more is refused with `max_children`. */
  readonly maxChildren?: number
  /** How tasks are ended with their supervisor. Default 5000 ms. */
  readonly shutdown?: 'brutal_kill' | 'infinity' | number
}

/**
 * A supervisor of tasks, to be put into a tree or started by itself. Its tasks are temporary: none is restarted, and a
 * task that fails does not concern it. Elixir: `Task.Supervisor`.
 */
export function taskSupervisor(options: TaskSupervisorOptions = {}): SupervisorDefinition {
  const { maxChildren = Number.POSITIVE_INFINITY, shutdown = 5000 } = options
  return supervisor({
    label: 'task supervisor',
    strategy: 'simple_one_for_one',
    maxChildren,
    children: [{ id: 'task', start: [supervisedTask, new TaskStart(() => {})], restart: 'temporary', shutdown }],
  })
}

/** A task supervisor. */
export type TaskSupervisor = Ref<SupervisorDefinition>

/**
 * Starts a task under a supervisor whose value nobody waits for. Rejects with ExitError if it cannot be started. Elixir:
 * `Task.Supervisor.start_child/2`.
 */
export function startTask(by: Node | Self, under: TaskSupervisor, body: TaskBody<unknown>): Promise<Pid> {
  return startUnder(actorOf(by), under, new TaskStart(body))
}

async function startUnder({ node, process }: Actor, under: TaskSupervisor, start: TaskStart): Promise<Pid> {
  if (process?.alive === false) return never()
  const result = (await node.call(process, under, 'start_child', start, undefined)) as StartChildResult
  if ('ok' in result && result.ok !== undefined) return result.ok
  throw new ExitError('error' in result ? result.error : 'ignore', under, 'start of a task')
}

/**
 * Starts a task that is linked to its owner: if either fails, so does the other. Its process is born before this returns,
 * and runs afterwards. Elixir: `Task.async/1`.
 */
export function asyncTask<T>(self: Self, body: TaskBody<T>): Task<T> {
  return spawnTask(actorOf(self), body, true).task
}

function spawnTask<T>(actor: Actor, body: TaskBody<T>, link: boolean): { task: Task<T>; call: Call } {
  const { node, process } = actor
  if (process?.alive === false) return fenced(actor)
  let call: Call | undefined
  const child = spawnProcess(
    node,
    process,
    answering(body, () => call),
    { link },
  )
  const request = new RequestId<T>(actor, child.pid, 'task')
  call = request.makeCall(undefined)
  call.open(child)
  return { task: new Task(request), call }
}

/** The task of a process that has ended: it never was. */
function fenced<T>(actor: Actor): { task: Task<T>; call: Call } {
  actor.node.counters.fenced++
  const request = new RequestId<T>(actor, actor.node.deadPid(), 'task')
  return { task: new Task(request), call: request.makeCall(undefined) }
}

/**
 * Starts a task under a supervisor, linked to its owner too. Rejects with ExitError if it cannot be started. Elixir:
 * `Task.Supervisor.async/2`.
 */
export async function asyncSupervised<T>(self: Self, under: TaskSupervisor, body: TaskBody<T>): Promise<Task<T>> {
  return (await superviseTask(actorOf(self), under, body, true)).task
}

/**
 * The same without the link: a task that fails does not take its owner along, nor the other way round; whoever awaits it
 * is told. Elixir: `Task.Supervisor.async_nolink/2`.
 */
export async function asyncNolink<T>(by: Node | Self, under: TaskSupervisor, body: TaskBody<T>): Promise<Task<T>> {
  return (await superviseTask(actorOf(by), under, body, false)).task
}

async function superviseTask<T>(
  actor: Actor,
  under: TaskSupervisor,
  body: TaskBody<T>,
  link: boolean,
): Promise<{ task: Task<T>; call: Call }> {
  let made: { request: RequestId<T>; call: Call } | undefined
  const callOf = (pid: Pid) => {
    const request = new RequestId<T>(actor, pid, 'task')
    const call = request.makeCall(undefined)
    made = { request, call }
    return call
  }
  const owner = link ? actor.process : null
  await startUnder(actor, under, new TaskStart(body, callOf, owner))
  if (made === undefined) throw new Error('a task was started without its call')
  return { task: new Task(made.request), call: made.call }
}

// ---- several tasks -----------------------------------------------------------------------------------------------------

/**
 * The values of all tasks, in the order of the tasks. Rejects as soon as one has failed, or with `timeout` when not all
 * are done at one common deadline (default 30 000 ms); the tasks that are left are then killed. Elixir:
 * `Task.await_many/2`.
 */
export async function awaitMany<const T extends readonly Task<unknown>[]>(
  tasks: T,
  options?: WaitOptions,
): Promise<{ -readonly [K in keyof T]: T[K] extends Task<infer V> ? V : never }> {
  const requests = new RequestCollection<unknown, Task<unknown>>()
  for (const task of new Set(tasks)) requests.add(task.request, task)
  try {
    const [first] = tasks
    const untilMs = first && deadlineOf(first.request.actor.node, options ?? { timeoutMs: AWAIT_MANY_MS })
    while (requests.size > 0) {
      const next = await requests.waitResponse(untilMs === undefined ? {} : { untilMs })
      if (next === 'no_request') break
      if (next === 'timeout') throw new ExitError('timeout', undefined, `await of ${tasks.length} tasks`)
      unwrap(next.label.pid, resultOf(next.response))
    }
  } catch (error) {
    requests.release()
    for (const task of tasks) task.abort()
    throw error
  }
  const values = tasks.map(({ request: { response } }) => response && 'reply' in response && response.reply)
  return values as { -readonly [K in keyof T]: T[K] extends Task<infer V> ? V : never }
}

/**
 * The results of all tasks, in their order, at one common deadline (default 5000 ms): undefined for those that are not
 * done, which go on. Elixir: `Task.yield_many/2`.
 */
export async function yieldMany<T>(
  tasks: readonly Task<T>[],
  options?: WaitOptions,
): Promise<(TaskResult<T> | undefined)[]> {
  const [first] = tasks
  if (first === undefined) return []
  const untilMs = deadlineOf(first.request.actor.node, options ?? { timeoutMs: AWAIT_MS })
  const results: (TaskResult<T> | undefined)[] = []
  for (const task of tasks) results.push(await task.yield({ untilMs }))
  return results
}

/** @internal For {@link asyncStream}: a task, and the call whose time limit is the task's. */
export function startForStream<T>(
  actor: Actor,
  under: TaskSupervisor | undefined,
  body: TaskBody<T>,
  link: boolean,
): { task: Task<T>; call: Call } | Promise<{ task: Task<T>; call: Call }> {
  return under === undefined ? spawnTask(actor, body, link) : superviseTask(actor, under, body, link)
}
