// A carrier that counts its frames. What has been sent and not received is under way: so it is known when two nodes have
// nothing more to tell each other. It sends a turn late: what a node's observer sees of a turn is noted before the other
// node can act on it.

import type { Carrier, Connection } from 'espalier/distribution'

export class CountingCarrier implements Carrier {
  sent = 0
  received = 0
  readonly #inner: Carrier

  constructor(inner: Carrier) {
    this.#inner = inner
  }

  listen(name: string, accept: (connection: Connection) => void): () => void {
    return this.#inner.listen(name, (connection) => accept(this.#counted(connection)))
  }

  async dial(name: string): Promise<Connection> {
    return this.#counted(await this.#inner.dial(name))
  }

  #counted(connection: Connection): Connection {
    return {
      open: (listener) =>
        connection.open({
          received: (frame) => {
            this.received++
            listener.received(frame)
          },
          lost: (reason) => listener.lost(reason),
        }),
      send: (frame) => {
        this.sent++
        setImmediate(() => connection.send(frame))
      },
      close: (reason) => void setImmediate(() => connection.close(reason)),
    }
  }
}
