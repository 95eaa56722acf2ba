// The two worker threads over which scenarios are played, from the main thread. Each scenario has a node of its own on
// each of them, and its processes alternate. It is settled when both nodes are quiet and what the one has sent the other
// has received, at two looks in a row with nothing sent between them (Mattern's four counters).

import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { createNode, type Node } from 'espalier'
import { Threads } from 'espalier/threads'
import type { Scenario, Trace } from '../../scenario.ts'
import { runSignals, type SignalsPlace } from '../signals.ts'
import type { Timing } from '../stage.ts'
import { runSupervisor, type TreePlace } from '../supervisor.ts'
import { type Activity, type Break, Lags } from './outpost.ts'
import { connect, type Remote } from './port-calls.ts'
import { shared, type ThreadSites } from './thread.ts'

/** A scenario that has not come to its end by then never will. */
const limitMs = 20_000

export class Crew {
  readonly #node: Node = createNode({ name: 'conformance' })
  readonly #threads = new Threads(this.#node)
  readonly #ports: MessagePort[] = []
  readonly #lags = new Lags()
  readonly #planted: Break | undefined
  #sites: Promise<readonly Remote<ThreadSites>[]> | undefined
  #lastId = 0

  constructor(planted: Break | undefined) {
    this.#planted = planted
  }

  /** Plays a scenario; the trace, and whether the machine was too busy to keep its times. */
  async play(scenario: Scenario): Promise<{ readonly trace: Trace; readonly late: boolean }> {
    this.#sites ??= Promise.all(['left', 'right'].map((name) => this.#start(name)))
    const sites = await this.#sites
    const id = ++this.#lastId
    const counts = new Int32Array(new SharedArrayBuffer(shared.words * Int32Array.BYTES_PER_ELEMENT))
    const names = sites.map((_, i) => `s${id}-${'ab'[i]}`)
    for (const [i, site] of sites.entries()) {
      const [name = '', other = ''] = [names[i], names[1 - i]]
      await site.open({ id, name, other, counts, planted: this.#planted })
    }
    try {
      await sites[1]?.connect(id)
      const timing = new ThreadTiming(this.#lags, () => Promise.all(sites.map((site) => site.activity(id))))
      const trace = await within(limitMs, this.#playOn(scenario, sites, id, timing))
      return { trace, late: timing.late }
    } finally {
      await Promise.all(sites.map((site) => site.close(id)))
    }
  }

  async close(): Promise<void> {
    this.#lags.stop()
    await this.#threads.stop()
    for (const port of this.#ports) port.close()
    await this.#node.stop()
  }

  async #start(name: string): Promise<Remote<ThreadSites>> {
    const { port1, port2 } = new MessageChannel()
    this.#ports.push(port1)
    await this.#threads.start(name, {
      boot: { module: new URL('./thread.js', import.meta.url), export: 'boot', args: [port2], transfer: [port2] },
    })
    return connect<ThreadSites>(port1)
  }

  async #playOn(scenario: Scenario, sites: readonly Remote<ThreadSites>[], id: number, timing: Timing): Promise<Trace> {
    switch (scenario.kind) {
      case 'signals': {
        await Promise.all(sites.map((site) => site.openSignals(id)))
        const places = sites.map((site) => signalsPlace(site, id))
        return runSignals(scenario, places, timing)
      }
      case 'supervisor': {
        await Promise.all(sites.map((site) => site.openTree(id)))
        const places = sites.map((site, i): [string, TreePlace] => [`s${id}-${'ab'[i]}`, treePlace(site, id)])
        return runSupervisor(scenario, new Map(places), timing)
      }
      default:
        throw new Error(`kind ${scenario.kind}: one process, nothing to spread over threads`)
    }
  }
}

async function within<T>(ms: number, outcome: Promise<T>): Promise<T> {
  let limit: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`it has not come to rest within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([outcome, tooLong])
  } finally {
    clearTimeout(limit)
  }
}

function signalsPlace(site: Remote<ThreadSites>, id: number): SignalsPlace {
  return {
    spawn: (name) => site.spawn(id, name),
    command: (step) => site.command(id, step),
    read: () => site.read(id),
    pausing: () => site.pausing(id),
    resume: () => site.resume(id),
    take: () => site.take(id),
    final: () => site.final(id),
  }
}

function treePlace(site: Remote<ThreadSites>, id: number): TreePlace {
  return {
    playParent: () => site.playParent(id),
    start: (tree) => site.start(id, tree),
    stopRoot: (stop) => site.stopRoot(id, stop),
    isAlive: (pid) => site.isAlive(id, pid),
    exit: (pids, reason) => site.exit(id, pids, reason),
    end: (pid, how, reason) => site.end(id, pid, how, reason),
    check: (step) => site.check(id, step),
    operate: (step, resolved, stop) => site.operate(id, step, resolved, stop),
    take: () => site.facts(id),
  }
}

class ThreadTiming implements Timing {
  readonly #lags: Lags
  readonly #look: () => Promise<readonly Activity[]>
  #first: number | undefined
  #last = 0

  constructor(lags: Lags, look: () => Promise<readonly Activity[]>) {
    this.#lags = lags
    this.#look = look
  }

  get late(): boolean {
    return this.#last > (this.#first ?? 0)
  }

  async settle(): Promise<void> {
    await this.#settled()
  }

  async rest(): Promise<void> {
    while ((await this.#settled()) > 0) await this.pass(1)
  }

  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms))
  }

  /** Waits until nothing is under way. Answers how many timers are set. */
  async #settled(): Promise<number> {
    let before: Activity | undefined
    for (;;) {
      const now = total(await this.#look())
      this.#last = now.lags + this.#lags.count
      this.#first ??= this.#last
      if (before !== undefined && before.received === now.sent) return now.timers
      before = now
    }
  }
}

function total(looks: readonly Activity[]): Activity {
  const sum = (of: (activity: Activity) => number) => looks.reduce((all, each) => all + of(each), 0)
  return {
    sent: sum(({ sent }) => sent),
    received: sum(({ received }) => received),
    timers: sum(({ timers }) => timers),
    lags: sum(({ lags }) => lags),
  }
}
