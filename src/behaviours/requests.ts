// Calls whose reply is waited for later: OTP's send_request, wait_response, receive_response and check_response
// (gen_server(3), OTP 25), and collections of them. A request is a promise with two things more: it can be waited for
// with a deadline again and again, and it can be given up.

import { Call } from '../kernel/call.ts'
import { OptionError } from '../kernel/errors.ts'
import { ExitError, type ExitReason } from '../kernel/exit-reason.ts'
import { CALL, INFO, ResponseMessage } from '../kernel/messages.ts'
import { CALL_TIMEOUT_MS, type Node } from '../kernel/node.ts'
import { type Actor, actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { CallArgument, CallTag, Ref, Reply } from '../kernel/ref.ts'
import type { Self } from '../kernel/self.ts'
import { never } from '../kernel/thenable.ts'
import { checkDelay } from '../kernel/timers.ts'

/** What came of a request: its reply, or why there will be none (`noproc`, the exit reason of the callee, …). */
export type Response<R = unknown> = { readonly reply: R } | { readonly error: ExitReason; readonly callee: Pid }

/** How long to wait. Default: for ever. */
export interface WaitOptions {
  /** Milliseconds from now. 0 looks and does not wait. */
  readonly timeoutMs?: number
  /** The same as a point in time, by the node's monotonic clock: several waits can share one deadline. */
  readonly untilMs?: number
}

export interface RequestOptions {
  /**
   * Have the response come as a message of the asking process, for `info` or `receive`, and not to whoever waits:
   * hand the message to {@link checkResponse}. Default false.
   */
  readonly asMessage?: boolean
}

/** One request: what {@link sendRequest} answers. OTP's request id. */
export class RequestId<R = unknown> {
  readonly callee: Pid
  /** The tag of the call. */
  readonly tag: string
  /** @internal Who waits. */
  readonly actor: Actor
  #call: Call | undefined
  #response: Response<R> | undefined
  #listeners: Set<() => void> | undefined

  /** @internal */
  constructor(actor: Actor, callee: Pid, tag: string) {
    this.actor = actor
    this.callee = callee
    this.tag = tag
  }

  /** What has come of it so far. */
  get response(): Response<R> | undefined {
    return this.#response
  }

  /** Gives the request up: its response, should one come, has no effect. */
  abandon(): void {
    this.#call?.abandon()
    this.#listeners = undefined
  }

  /** @internal The call whose end settles this request. */
  makeCall(argument: unknown): Call {
    const { actor, callee, tag } = this
    const resolve = (reply: unknown) => this.#settle({ reply: reply as R })
    const reject = (error: unknown) =>
      this.#settle({ error: error instanceof ExitError ? error.reason : error, callee })
    this.#call = new Call(tag, argument, actor.process, callee, resolve, reject)
    return this.#call
  }

  /** @internal Calls `notify` once, when there is a response; a request given up never has one. */
  listen(notify: () => void): void {
    this.#listeners ??= new Set()
    this.#listeners.add(notify)
  }

  /** @internal */
  unlisten(notify: () => void): void {
    this.#listeners?.delete(notify)
  }

  #settle(response: Response<R>): void {
    this.#response = response
    const listeners = this.#listeners
    this.#listeners = undefined
    for (const notify of listeners ?? []) notify()
  }
}

/** What {@link sendRequest} answers for a call of tag K to a T. */
export type Sent<T, K extends CallTag<T>> = RequestId<Reply<T, K>>

/**
 * Makes a call and does not wait. The response is had with {@link waitResponse}, {@link receiveResponse}, a
 * {@link RequestCollection}, or, `asMessage`, from the mailbox with {@link checkResponse}. Never throws for a callee that is
 * no more: that is a response. OTP: `gen_server:send_request/2`.
 */
export function sendRequest<T, K extends CallTag<T>>(
  by: Node | Self,
  to: Ref<T>,
  tag: K,
  ...args: [...CallArgument<T, K>, options?: RequestOptions]
): Sent<T, K> {
  const [argument, options] = args as readonly unknown[]
  return send<Reply<T, K>>(actorOf(by), to, tag, argument, (options as RequestOptions | undefined)?.asMessage === true)
}

function send<R>(actor: Actor, to: Pid, tag: string, argument: unknown, asMessage: boolean): RequestId<R> {
  const request = new RequestId<R>(actor, to, tag)
  const { node, process } = actor
  if (process?.alive === false) {
    node.counters.fenced++
    return request
  }
  if (asMessage) {
    if (process === null) throw new OptionError('asMessage', true, 'false where no process asks')
    request.listen(() => process.deliver(INFO, new ResponseMessage(request)))
  }
  if (process !== null && process.debug !== null) process.debug.sent('call', to, tag, argument)
  node.open(request.makeCall(argument), CALL, Number.POSITIVE_INFINITY)
  return request
}

/**
 * Waits for the response of a request: `'timeout'` if none has come by then, and the request stays, to be waited for
 * again. OTP: `gen_server:wait_response/2`.
 */
export async function waitResponse<R>(request: RequestId<R>, options?: WaitOptions): Promise<Response<R> | 'timeout'> {
  const { actor } = request
  if (request.response === undefined) await until(actor, options, (ready) => listenTo(request, ready))
  return request.response ?? 'timeout'
}

/** The same, but a request without a response in time is given up. OTP: `gen_server:receive_response/2`. */
export async function receiveResponse<R>(
  request: RequestId<R>,
  options?: WaitOptions,
): Promise<Response<R> | 'timeout'> {
  const response = await waitResponse(request, options)
  if (response === 'timeout') request.abandon()
  return response
}

/**
 * Whether `message` is the response of `request`, which was sent `asMessage`; if not, `'no_reply'`. OTP:
 * `gen_server:check_response/2`.
 */
export function checkResponse<R>(message: unknown, request: RequestId<R>): Response<R> | 'no_reply' {
  if (!(message instanceof ResponseMessage) || message.request !== request) return 'no_reply'
  return request.response ?? 'no_reply'
}

/** A response out of a collection, with the label of its request. */
export interface Collected<R, L> {
  readonly response: Response<R>
  readonly label: L
  readonly request: RequestId<R>
}

/**
 * Requests under way, each with a label of the caller's choice. Responses are had in the order in which they come; a
 * request leaves the collection with its response. OTP: `gen_server:reqids_new/0`, `reqids_add/3`, `reqids_size/1`,
 * `reqids_to_list/1`; unlike there, a collection is an object that changes.
 */
export class RequestCollection<R = unknown, L = unknown> {
  readonly #labels = new Map<RequestId<R>, { readonly label: L; readonly notify: () => void }>()
  readonly #ready: RequestId<R>[] = []
  #wake: (() => void) | undefined

  /** Adds a request. Throws ERR_OPTION if it is here already. */
  add(request: RequestId<R>, label: L): this {
    if (this.#labels.has(request)) throw new OptionError('request', request.tag, 'a request that is not here already')
    const notify = () => {
      this.#ready.push(request)
      this.#wake?.()
    }
    this.#labels.set(request, { label, notify })
    if (request.response === undefined) request.listen(notify)
    else notify()
    return this
  }

  /** How many requests have not left. */
  get size(): number {
    return this.#labels.size
  }

  /** The requests that have not left, and their labels, oldest first. */
  toList(): [RequestId<R>, L][] {
    return [...this.#labels].map(([request, { label }]) => [request, label])
  }

  /**
   * Waits for the next response: `'no_request'` if there is nothing to wait for, `'timeout'` if none has come by then.
   * OTP: `gen_server:wait_response/3`.
   */
  async waitResponse(options?: WaitOptions): Promise<Collected<R, L> | 'no_request' | 'timeout'> {
    const [first] = this.#labels.keys()
    if (first === undefined) return 'no_request'
    if (this.#ready.length === 0) {
      await until(first.actor, options, (ready) => {
        this.#wake = ready
        return () => {
          this.#wake = undefined
        }
      })
    }
    const request = this.#ready.shift()
    return request === undefined ? 'timeout' : this.#take(request)
  }

  /** The same, but without a response in time all requests are given up. OTP: `gen_server:receive_response/3`. */
  async receiveResponse(options?: WaitOptions): Promise<Collected<R, L> | 'no_request' | 'timeout'> {
    const collected = await this.waitResponse(options)
    if (collected === 'timeout') this.abandon()
    return collected
  }

  /** Whether `message` is the response of a request sent `asMessage`. OTP: `gen_server:check_response/3`. */
  checkResponse(message: unknown): Collected<R, L> | 'no_request' | 'no_reply' {
    if (this.#labels.size === 0) return 'no_request'
    if (!(message instanceof ResponseMessage)) return 'no_reply'
    const request = message.request as RequestId<R>
    if (!this.#labels.has(request)) return 'no_reply'
    this.#ready.splice(this.#ready.indexOf(request), 1)
    return this.#take(request)
  }

  /** Gives up all requests that are here. */
  abandon(): void {
    for (const request of this.#labels.keys()) request.abandon()
    this.#labels.clear()
    this.#ready.length = 0
  }

  /** @internal Lets go of all requests, which stay what they are. */
  release(): void {
    for (const [request, { notify }] of this.#labels) request.unlisten(notify)
    this.#labels.clear()
    this.#ready.length = 0
  }

  #take(request: RequestId<R>): Collected<R, L> {
    const entry = this.#labels.get(request)
    const { response } = request
    if (entry === undefined || response === undefined) throw new Error('a response of no request')
    this.#labels.delete(request)
    return { response, label: entry.label, request }
  }
}

/** What {@link multiCall} answers, both in the order of the callees. */
export interface MultiCallResult<T, R> {
  readonly replies: readonly { readonly from: Ref<T>; readonly reply: R }[]
  readonly failed: readonly { readonly from: Ref<T>; readonly reason: ExitReason }[]
}

/**
 * Calls several at once and waits for all of them, until one common deadline: those that have not answered by then have
 * failed with `timeout`. Default 5000 ms. Never rejects. OTP: `gen_server:multi_call/4`, for refs instead of nodes.
 */
export async function multiCall<T, K extends CallTag<T>>(
  by: Node | Self,
  to: readonly Ref<T>[],
  tag: K,
  ...args: [...CallArgument<T, K>, options?: WaitOptions]
): Promise<MultiCallResult<T, Reply<T, K>>> {
  const [argument, options] = args as readonly unknown[]
  const actor = actorOf(by)
  const untilMs = deadlineOf(actor.node, { timeoutMs: CALL_TIMEOUT_MS, ...(options as WaitOptions | undefined) })
  const requests = to.map((from) => ({ from, request: send<Reply<T, K>>(actor, from, tag, argument, false) }))
  const replies: { from: Ref<T>; reply: Reply<T, K> }[] = []
  const failed: { from: Ref<T>; reason: ExitReason }[] = []
  for (const { from, request } of requests) {
    const response = await receiveResponse(request, { untilMs })
    if (response === 'timeout') failed.push({ from, reason: 'timeout' })
    else if ('reply' in response) replies.push({ from, reply: response.reply })
    else failed.push({ from, reason: response.error })
  }
  return { replies, failed }
}

function listenTo(request: RequestId, ready: () => void): () => void {
  request.listen(ready)
  return () => request.unlisten(ready)
}

/** @internal The point in time of `options`. */
export function deadlineOf(node: Node, options: WaitOptions | undefined): number {
  if (options?.untilMs !== undefined) return options.untilMs
  const { timeoutMs = Number.POSITIVE_INFINITY } = options ?? {}
  if (timeoutMs === Number.POSITIVE_INFINITY) return timeoutMs
  checkDelay(timeoutMs, 'timeoutMs')
  return node.now() + timeoutMs
}

/** Waits until `subscribe` calls back or time is over; never ends for a process that has. */
function until(
  { node, process }: Actor,
  options: WaitOptions | undefined,
  subscribe: (ready: () => void) => () => void,
): Promise<void> {
  if (process?.alive === false) return never()
  const waitMs = deadlineOf(node, options) - node.now()
  if (waitMs <= 0) return Promise.resolve()
  return new Promise((resolve) => {
    const timer =
      waitMs === Number.POSITIVE_INFINITY
        ? undefined
        : node.after(waitMs, () => {
            unsubscribe()
            if (process === null) resolve()
            else process.resume(resolve)
          })
    const unsubscribe = subscribe(() => {
      if (timer !== undefined) node.timers.cancel(timer)
      resolve()
    })
  })
}
