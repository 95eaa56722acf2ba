// The far end of a ring, for the lost-wakeup stress: sends every frame back, and sleeps as deeply as it can between.
import { workerData } from 'node:worker_threads'

const { ring, shared, port } = workerData
const { RingReader, RingWriter } = await import(ring)
const writer = new RingWriter(shared, 1)
const reader = new RingReader(shared, 0)
const queue = []

function pump() {
  for (;;) {
    while (queue.length > 0 && writer.write(queue[0], 0) > queue[0].length) queue.shift()
    if (queue.length === 0 || !writer.wait()) break
  }
  if (writer.wakesReader()) port.postMessage(0)
}

port.on('message', () => {
  reader.awake()
  do {
    for (let frame = reader.read(); frame !== undefined; frame = reader.read()) {
      queue.push(frame)
      if (reader.wakesWriter()) port.postMessage(0)
    }
    pump()
  } while (!reader.sleep())
})
port.postMessage(0)
reader.sleep()
