import { expect, test } from 'vitest'
import type { Connection } from '../../src/distribution/carrier.ts'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { until } from '../kernel/until.ts'
import { carrierContract } from './carrier-contract.ts'

const { turns } = createSystemPorts()

carrierContract('memory', () => {
  const carrier = new MemoryCarrier(turns)
  return { a: carrier, b: carrier, close: () => carrier.sever() }
})

test('severed: frames under way are lost, and both ends hear it', async () => {
  const carrier = new MemoryCarrier(turns)
  const heard: string[] = []
  const listen = (who: string) => (connection: Connection) =>
    connection.open({ received: () => heard.push(`${who} received`), lost: (reason) => heard.push(`${who} ${reason}`) })
  carrier.listen('b', listen('b'))
  const ours = await carrier.dial('b')
  listen('a')(ours)
  ours.send(new Uint8Array(1))
  carrier.sever('cut')
  await until(() => heard.length >= 2)
  expect(heard.sort()).toEqual(['a cut', 'b cut'])
})
