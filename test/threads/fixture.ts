// Threads with an echo server each, as the tests of this folder use them.

import type { Pid, Ref } from 'espalier'
import { compiledUrl, espalier, threads as room, workerModule } from './compiled.ts'

export type TestNode = ReturnType<typeof espalier.createNode>
export type TestThreads = InstanceType<typeof room.Threads>
export type TestThread = Awaited<ReturnType<TestThreads['start']>>
export type ThreadEvent = import('espalier/threads').ThreadEvent
export type ThreadOptions = import('espalier/threads').ThreadOptions

/** How the code of a thread may end it: see workers/echo.mjs. */
export type Death = 'exit' | 'throw' | 'out of memory' | 'endless loop'

export interface Echo {
  readonly call: { echo(value: unknown): unknown; count(): number; never(): void }
  readonly cast: { add(by: number): void; fail(): void; die(how: Death): void }
}

export interface Booted {
  readonly pid: Pick<Pid, 'nodeName' | 'creation' | 'id'>
  readonly nodes: readonly string[]
  readonly threadId: number
}

export const echo = { module: workerModule('echo.mjs'), export: 'boot' }
export const smallHeap = { maxOldGenerationSizeMb: 16 }

/** A node on this thread with threads around it. */
export class Fixture {
  readonly events: ThreadEvent[] = []
  readonly node: TestNode
  readonly threads: TestThreads

  constructor(options: import('espalier/threads').ThreadsOptions = {}) {
    this.node = espalier.createNode({ name: 'main' })
    this.threads = new room.Threads(this.node, { onEvent: (event) => void this.events.push(event), ...options })
  }

  async start(name: string, options: ThreadOptions = {}) {
    const thread = await this.threads.start(name, { boot: echo, ...options })
    return { thread, ref: this.refOf(thread), booted: thread.booted as Booted }
  }

  refOf(thread: TestThread): Ref<Echo> {
    return this.threads.distribution.pid((thread.booted as Booted).pid) as Ref<Echo>
  }

  /** Events of one kind. */
  of<K extends ThreadEvent['kind']>(kind: K): Extract<ThreadEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<ThreadEvent, { kind: K }> => event.kind === kind)
  }

  async stop(): Promise<void> {
    await this.node.stop()
    await this.threads.stop()
  }
}

export { compiledUrl, espalier, room, workerModule }
