// The entry of a worker thread: makes its node, joins the mesh, boots the code it was given, and ends when told to.

import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { createNode } from '../create-node.ts'
import { encodeThrown } from '../distribution/codec.ts'
import { Distribution } from '../distribution/distribution.ts'
import { createSystemPorts, systemModules } from '../system/index.ts'
import { beaconOf, beat } from './heartbeat.ts'
import type { BootCode, FromHub, FromThread, SpareData, ThreadData, ToThread } from './messages.ts'
import { ThreadCarrier } from './thread-carrier.ts'
import type { ThreadContext } from './thread-context.ts'

async function main(data: ThreadData): Promise<void> {
  const { name, control, limits } = data
  const tell = (message: FromThread) => control.postMessage(message)
  const carrier = new ThreadCarrier(createSystemPorts(), (message) => control.postMessage(message), limits)
  const node = createNode({ name })
  if (data.heartbeat !== undefined) {
    const { shared, everyMs } = data.heartbeat
    node.scheduler.beacon = beaconOf(shared, (number, text) => tell({ kind: 'learned', number, text }))
    beat(shared, everyMs)
  }
  const distribution = new Distribution(node, { carrier, modules: systemModules })
  node.onReport((report) => {
    const isTrouble = report.kind === 'crash' || report.kind === 'supervisor'
    if (isTrouble) tell({ kind: 'reported', report: encodeThrown(report, 'report') })
  })
  control.on('message', (message: FromHub | ToThread) => {
    if (message.kind !== 'stop') return carrier.heard(message)
    void node.stop({ timeoutMs: message.timeoutMs }).then(() => {
      distribution.close()
      // What code on this thread has left open must not keep it alive. A turn later, for the farewells to leave.
      node.ports.turns.later(() => process.exit(0))
    })
  })
  const context: ThreadContext = { node, distribution, carrier, storage: data.storage }
  try {
    await Promise.all(data.connect.map((other) => distribution.connect(other).catch(() => {})))
    const booted = data.boot === undefined ? undefined : await boot(data.boot, context)
    tell({ kind: 'ready', booted })
  } catch (error) {
    tell({ kind: 'failed', thrown: encodeThrown(error) })
  }
}

async function boot(code: BootCode, context: ThreadContext): Promise<unknown> {
  const run = await systemModules.load(code.module, code.export)
  if (typeof run !== 'function') throw new TypeError(`${code.module}: ${code.export} is no function`)
  return run(context, ...code.args)
}

/** Loads what the thread will need, and waits to be told what it is. */
async function spare({ preload }: SpareData): Promise<ThreadData> {
  if (parentPort === null) throw new TypeError('a spare thread is started by another thread')
  const told = once(parentPort, 'message')
  // What cannot be loaded fails the boot of the thread, not the spare.
  if (preload !== undefined) await systemModules.load(preload.module, preload.export).catch(() => {})
  const [data] = await told
  parentPort.unref()
  return data as ThreadData
}

const given = workerData as ThreadData | SpareData
await main('preload' in given ? await spare(given) : given)
