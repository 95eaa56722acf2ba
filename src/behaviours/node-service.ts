// What a node does for others: starts processes whose code it loads by name, looks up its names, says how busy it is. A
// process of the node like any other, reached by its name from everywhere, and started when it is first asked.
//
// Whoever asks is monitored while the code is being loaded, and the connection by which it asked is looked at: a start
// whose asker is gone, or has been told that it failed, does not take place. The monitor alone would not do, for it may be
// set after the connection has been lost, and stand on the next. From the start on the link to the asker says so itself.

import type { Call } from '../kernel/call.ts'
import { EspalierError } from '../kernel/errors.ts'
import { reasonOf } from '../kernel/exit-reason.ts'
import { NODE_SERVICE, type StartRequest } from '../kernel/far-start.ts'
import type { Location } from '../kernel/location.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid } from '../kernel/pid.ts'
import type { ModuleLoader } from '../kernel/ports/index.ts'
import type { Definition } from '../kernel/ref.ts'
import type { From, Self, SpawnOptions, StartResult } from '../kernel/self.ts'
import { spawnFor, startFor, startProcess } from '../kernel/start.ts'
import { noReply, reply } from './results.ts'
import { defineServer } from './server.ts'

/** What the service is asked to spawn: an exported function, called with the process's `self` and these arguments. */
export interface SpawnRequest {
  readonly location: Location
  readonly args: readonly unknown[]
  readonly options: SpawnOptions
  readonly parent: Pid | null
}

/** How busy a node is. */
export interface NodeLoad {
  /** Processes that live there. */
  readonly processes: number
}

/** What is loaded is none of what can be started. */
class LoadError extends EspalierError {
  constructor(code: 'ERR_NO_MODULES' | 'ERR_NOT_STARTABLE', message: string) {
    super(code, message)
  }
}

type Answer = (result: StartResult) => void

/** Has `node` serve others: with `modules`, starts too. */
export function provideNodeService(node: Node, modules: ModuleLoader | undefined): void {
  const service = serviceOf(node, modules)
  node.provide(NODE_SERVICE, () => {
    startProcess(node, null, service, undefined, { name: NODE_SERVICE, priority: 'high' }, false).catch(() => {})
  })
}

function serviceOf(node: Node, modules: ModuleLoader | undefined) {
  /** Loads what `location` names, then lets `act` start it, unless the asker is gone. */
  function begin(self: Self, asker: From, location: Location, act: (loaded: unknown, answer: Answer) => void): void {
    const { process } = actorOf(self)
    const call: unknown = asker
    if (!(call as Call).isWanted) return
    const ref = asker.from === null ? undefined : self.monitor(asker.from)
    // Why a start has failed crosses whatever it holds, as every reason does; an answer that cannot cross would not.
    const answer: Answer = (result) =>
      typeof result === 'object' && 'error' in result ? (call as Call).fail(result.error) : self.reply(asker, result)
    const settle = (go: () => void) =>
      process?.resume(() => {
        const isThere = ref === undefined || self.demonitor(ref, { flush: true, info: true })
        if (!isThere || !(call as Call).isWanted) return
        try {
          go()
        } catch (error) {
          answer({ error: reasonOf(error) })
        }
      })
    load(modules, node.name, location).then(
      (loaded) => settle(() => act(loaded, answer)),
      (error: unknown) => settle(() => answer({ error: reasonOf(error) })),
    )
  }

  return defineServer({
    name: 'node',
    init: () => null,
    call: {
      start: ({ self, state, from }, { location, argument, options, parent }: StartRequest) => {
        begin(self, from, location, (loaded, answer) =>
          startFor(node, parent, definitionOf(loaded, location), argument, options, answer),
        )
        return noReply(state)
      },
      spawn: ({ self, state, from }, { location, args, options, parent }: SpawnRequest) => {
        begin(self, from, location, (loaded, answer) => {
          const body = functionOf(loaded, location)
          const run = (own: Self) => Reflect.apply(body, undefined, [own, ...args]) as void | PromiseLike<void>
          Object.defineProperty(run, 'name', { value: location.export })
          answer({ ok: spawnFor(node, parent, run, options).pid })
        })
        return noReply(state)
      },
      whereis: ({ state }, name: string) => reply(node.whereis(name), state),
      isAlive: ({ self, state }, pid: Pid) => reply(self.isAlive(pid), state),
      load: ({ state }) => reply<NodeLoad, null>({ processes: node.processes().length }, state),
    },
    // A monitor that has fired is of an asker that is gone.
    info: ({ state }) => state,
  })
}

async function load(
  modules: ModuleLoader | undefined,
  node: string,
  { module, export: name }: Location,
): Promise<unknown> {
  if (modules === undefined) throw new LoadError('ERR_NO_MODULES', `node ${node} was given no loader of modules`)
  return modules.load(module, name)
}

function definitionOf(loaded: unknown, { module, export: name }: Location): Definition {
  if (typeof loaded === 'object' && loaded !== null && 'create' in loaded && typeof loaded.create === 'function') {
    return loaded as Definition
  }
  throw new LoadError('ERR_NOT_STARTABLE', `export ${JSON.stringify(name)} of ${module} is no definition`)
}

function functionOf(loaded: unknown, { module, export: name }: Location): (...args: never) => unknown {
  if (typeof loaded === 'function') return loaded as (...args: never) => unknown
  throw new LoadError('ERR_NOT_STARTABLE', `export ${JSON.stringify(name)} of ${module} is no function`)
}
