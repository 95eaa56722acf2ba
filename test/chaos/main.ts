// `npm run -s crash -- storage|service|leaks …`: breaks a store, or a service, while it works, and checks what it says
// when it comes back; starts, calls and ends threads, and checks that nothing stays behind.

import { parseArgs } from 'node:util'
import { searchLeaks } from './leaks.ts'
import { harmService } from './service.ts'
import { cutPower, kill } from './storage.ts'

const usage = `usage: crash storage [--power-cuts N] [--kills N] [--seed N] [--break ack-at-put]
       crash service [--kills N] [--rate N] [--seed N] [--break ack-before-durable]
       crash leaks [--calls N] [--restarts N] [--break keep-listeners]

  --power-cuts N      records every write and sync of a working process (needs strace), and recovers N times from what
                      a disk may hold after a power cut
  --kills N           kills N working processes with SIGKILL, and recovers; the page cache survives, so this cannot show
                      a missing flush
  --seed N            default 1
  --break ack-at-put  acknowledge when a write is visible, before it is flushed: power cuts must find it

  service             the example service under load: order books, worker threads and the process are killed N times
                      (default 200)
  --rate N            acknowledgements a second it must reach meanwhile (default 500)
  --break ack-before-durable
                      answer before the order is on the disk: must lose some

  leaks               N calls to another thread (default 100000), and N threads started and ended (default 1000): heaps,
                      handles and listeners must stay as they were
  --break keep-listeners
                      leaves a listener behind at each restart

Exit code 0 if no acknowledged change was lost, none invented, and the order kept; of leaks, if nothing stayed behind.`

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'power-cuts': { type: 'string', default: '0' },
      kills: { type: 'string' },
      calls: { type: 'string', default: '100000' },
      restarts: { type: 'string', default: '1000' },
      rate: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      break: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const room = positionals.join()
  const sabotages: Readonly<Record<string, string>> = {
    storage: 'ack-at-put',
    service: 'ack-before-durable',
    leaks: 'keep-listeners',
  }
  const kills = Number(values.kills ?? (room === 'service' ? 200 : 0))
  const [cuts, rate, seed] = [Number(values['power-cuts']), Number(values.rate), Number(values.seed)]
  const [calls, restarts] = [Number(values.calls), Number(values.restarts)]
  const isNumber = [cuts, kills, rate, seed, calls, restarts].every(
    (value) => Number.isSafeInteger(value) && value >= 0,
  )
  const isKnown = room in sabotages && (values.break === undefined || values.break === sabotages[room])
  if (values.help || !isNumber || !isKnown || (room !== 'leaks' && cuts + kills === 0)) {
    console.error(usage)
    return values.help ? 0 : 64
  }
  const options = { seed, sabotage: values.break, print: (line: string) => console.log(line) }
  if (room === 'leaks') return (await searchLeaks({ ...options, calls, restarts })) ? 0 : 1
  if (room === 'service') return (await harmService({ ...options, kills, leastRate: rate })) ? 0 : 1
  const failures = (await cutPower(cuts, options)) + (kills > 0 ? await kill(kills, options) : 0)
  console.log(failures === 0 ? 'no acknowledged change was lost' : `${failures} recoveries went wrong`)
  return failures === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
