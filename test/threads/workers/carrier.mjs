// A carrier on a worker thread, driven from the test: see far-carrier.ts.
import { workerData } from 'node:worker_threads'

const { urls, control, commands, limits } = workerData
const { ThreadCarrier } = await import(urls.carrier)
const { createSystemPorts } = await import(urls.system)

const carrier = new ThreadCarrier(createSystemPorts(), (message) => control.postMessage(message), limits)
control.on('message', (message) => carrier.heard(message))

const stops = new Map()
const connections = new Map()
let nextConnection = 1

function keep(connection) {
  const id = nextConnection++
  connections.set(id, connection)
  return id
}

commands.on('message', async ({ id, kind, name, connection, frame, reason, words }) => {
  const done = (rest) => commands.postMessage({ kind: 'done', id, ...rest })
  switch (kind) {
    case 'listen':
      stops.set(
        name,
        carrier.listen(name, (accepted) =>
          commands.postMessage({ kind: 'accepted', name, connection: keep(accepted) }),
        ),
      )
      return done({})
    case 'unlisten':
      stops.get(name)()
      return done({})
    case 'dial':
      return carrier.dial(name).then(
        (dialled) => done({ connection: keep(dialled) }),
        (error) => done({ error: { code: error.code, message: error.message } }),
      )
    case 'open':
      return connections.get(connection).open({
        received: (bytes) => commands.postMessage({ kind: 'received', connection, frame: bytes }),
        lost: (why) => commands.postMessage({ kind: 'lost', connection, reason: why }),
      })
    case 'send':
      return connections.get(connection).send(frame)
    case 'close':
      return connections.get(connection).close(reason)
    case 'freeze':
      // Until the test lets go: words[0] says that it stands, words[1] that it may go on.
      Atomics.store(words, 0, 1)
      while (Atomics.load(words, 1) === 0);
      return done({})
    case 'nothing':
      return done({})
  }
})
