// The whole flow system in a world of virtual time: its trees, its store on a disk in memory, children that end when a
// test says so.

import type { Pid, Ref, SupervisorProtocol } from 'espalier'
import type { AgentDeclaration } from '../../actors/flow/agents-file.ts'
import type { FlowEvent, FlowResult } from '../../actors/orchestrator/protocol.ts'
import { parseKeyRing } from '../../actors/receipt/key-ring.ts'
import { receiptPaths, receiptStoreName, verifyReceipts } from '../../actors/receipt/receipt-store.ts'
import { KeyValueStore, MemoryDisk, type TransactionalStore } from '../../src/storage/index.ts'
import { workshop } from '../../supervisors/flow-tree.ts'
import { type Flows, type RunningFlow, startFlows } from '../../supervisors/flows.ts'
import { MemoryFiles } from '../actors/receipt/samples.ts'
import { commandAgent, Stage } from '../actors/stage.ts'

export const keys = '11'.repeat(32)
const dataFolder = '/data'

export class FlowStage extends Stage {
  readonly disk = new MemoryDisk()
  readonly files = new MemoryFiles()
  readonly agents: readonly AgentDeclaration[]
  store: TransactionalStore | undefined

  constructor(agents: readonly AgentDeclaration[] = ['a', 'b'].map((id) => commandAgent(id)), seed?: number) {
    super(seed)
    this.agents = agents
  }

  /** Starts the system. A second time: as a new run on the same data folder would. */
  async start(): Promise<Flows> {
    this.store ??= await this.disk.open('store')
    const { agents, node, store, files, ports } = this
    return this.run(startFlows({ node, agents, dataFolder, store, files, ports, keys }))
  }

  /** Begins a flow and goes as far as it can without time. */
  async begin(flows: Flows, input: string): Promise<Begun> {
    const events: FlowEvent[] = []
    const flow = await this.run(flows.run(input, (event) => events.push(event)))
    await this.world.settle()
    return { flow, events, phases: () => phasesIn(events) }
  }

  /** The result of a flow whose children the test has taken care of. */
  result({ flow }: Begun): Promise<FlowResult> {
    return this.run(flow.finished)
  }

  /** Processes that run this definition: the name is that of `which_children` ids, or of labels. */
  supervisor(name: Exclude<keyof typeof workshop, 'home' | 'decisions'>): Ref<SupervisorProtocol> {
    const pid = this.node.whereis(workshop[name])
    if (pid === undefined) throw new Error(`there is no ${name}`)
    return pid as Ref<SupervisorProtocol>
  }

  /** The machines of one kind. */
  async machines(name: Exclude<keyof typeof workshop, 'home' | 'decisions'>): Promise<Pid[]> {
    const children = await this.run(this.supervisor(name).call('which_children'))
    return children.flatMap(({ child }) => (child === undefined || child === 'restarting' ? [] : [child]))
  }

  /** Kills the machines of one kind. */
  async kill(name: Exclude<keyof typeof workshop, 'home' | 'decisions'>): Promise<number> {
    const machines = await this.machines(name)
    for (const pid of machines) this.node.sendExit(pid, 'kill')
    await this.world.settle()
    return machines.length
  }

  async verdict() {
    if (this.store === undefined) throw new Error('nothing was started')
    const records = new KeyValueStore(this.store, receiptStoreName)
    const head = this.files.held.get(receiptPaths(dataFolder).head)?.bytes
    return verifyReceipts(records, head, parseKeyRing(keys, 'test'))
  }
}

export interface Begun {
  readonly flow: RunningFlow
  readonly events: readonly FlowEvent[]
  phases(): string[]
}

function phasesIn(events: readonly FlowEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'phase' ? [event.phase] : []))
}
