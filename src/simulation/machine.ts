// What a simulated node stands on besides its clock: a disk, small files on it, child processes, modules and threads that
// compute, as a scenario scripts them and the seed times them. It outlives the lives of its node.

import type { ModuleLoader } from '../kernel/ports/index.ts'
import type { SeededRandom } from './random.ts'
import { type Programs, SimulatedChildren } from './simulated-children.ts'
import { SimulatedDisk, type SimulatedDiskOptions } from './simulated-disk.ts'
import { SimulatedFiles } from './simulated-files.ts'
import { type JobHost, SimulatedJobs } from './simulated-jobs.ts'
import { modulesFrom, SimulatedModules } from './simulated-modules.ts'
import { SimulatedOffload, type SimulatedOffloadOptions } from './simulated-offload.ts'

export interface MachineOptions {
  readonly disk?: SimulatedDiskOptions | undefined
  /** What child processes of this node run, by `argv[0]`. Default: none, and no child starts. */
  readonly programs?: Programs | undefined
  /** What there is to load, here and for processes that other nodes start here. Default: nothing. */
  readonly modules?: ModuleLoader | undefined
  /** How work goes that is offloaded to other threads of this node's machine; what it calls is in `modules`. */
  readonly offload?: SimulatedOffloadOptions | undefined
}

/** What a node has besides the production ports. */
export class Machine {
  readonly disk: SimulatedDisk
  readonly children: SimulatedChildren
  readonly modules: SimulatedModules
  readonly offload: SimulatedOffload
  readonly #jobs: SimulatedJobs
  #files: SimulatedFiles

  /** @internal `streamOf` answers the machine's stream of randomness for one purpose. */
  constructor(host: Omit<JobHost, 'random'>, streamOf: (purpose: string) => SeededRandom, options: MachineOptions) {
    const { time } = host
    this.disk = new SimulatedDisk(
      {
        time,
        random: streamOf('disk'),
        completed: (job, complete) => host.completed('disk', '', job.kind, job.bytes, complete),
      },
      options.disk,
    )
    this.#jobs = new SimulatedJobs({ ...host, random: streamOf('jobs') })
    this.children = new SimulatedChildren(this.#jobs, options.programs ?? {})
    const modules = options.modules ?? modulesFrom({})
    this.modules = new SimulatedModules(this.#jobs, modules)
    this.offload = new SimulatedOffload(this.#jobs, modules, options.offload)
    this.#files = new SimulatedFiles(this.disk)
  }

  /** Small files of this life of the node. */
  get files(): SimulatedFiles {
    return this.#files
  }

  /** Whether something is under way that its node may wait for. */
  get busy(): boolean {
    return this.disk.pending > 0 || this.#jobs.pending > 0
  }

  /** @internal Un-synced writes are lost, children and offloaded work are gone. */
  cutPower(): void {
    this.#jobs.cutPower()
    this.offload.cutPower()
    this.disk.cutPower()
    this.#files = new SimulatedFiles(this.disk)
  }
}
