// A thread that reads a table while another writes it, and says whether all that came out was whole. Broken, it skips
// the check by which readers notice that memory has been written over.
import { parentPort, workerData } from 'node:worker_threads'

const { espalier, handle, broken, changes } = workerData
const { openTable } = await import(espalier)
const reader = openTable(handle)
if (broken) reader.unchanged = () => true

/** Each value says whose it is, which, and how long it must be; `see` complains about anything else. */
const latest = new Map()
let seen = 0
function see(key, value) {
  const { n, fill } = value
  const whole = value.key === key && fill.length === 20 + (n % 50) && fill.every((each) => each === n)
  if (!whole) return 'torn'
  const before = latest.get(key) ?? -1
  if (n < before) return 'went back'
  if (n > before) seen++
  latest.set(key, n)
  return undefined
}

let reads = 0
let complaint
parentPort.postMessage('reading')
while (complaint === undefined && seen < changes) {
  try {
    for (const key of ['a', 'b']) complaint ??= see(key, reader.get(key))
    if (reads % 16 === 0) for (const [key, value] of reader.scan()) complaint ??= see(key, value)
  } catch (error) {
    complaint = error.message
  }
  reads++
}
parentPort.postMessage({ reads, complaint })
