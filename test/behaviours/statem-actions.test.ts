import { defineStatem, statem } from 'espalier'
import { createWorld } from 'espalier/testing'
import { expect, test } from 'vitest'

const { hibernate, initial, keepStateAndData, next, postpone } = statem

test('of postpone and hibernate the last in the list holds', async () => {
  const world = createWorld()
  const handled: string[] = []
  const Gate = defineStatem({
    init: () => initial('shut', null),
    states: {
      shut: {
        cast: {
          kept: () => keepStateAndData(postpone(false), postpone(), hibernate(), hibernate(false)),
          dropped: () => keepStateAndData(postpone(), hibernate(), postpone(false)),
          open: ({ data }) => next('open', data),
        },
      },
      open: {
        cast: {
          kept: () => {
            handled.push('kept')
            return keepStateAndData()
          },
          dropped: () => {
            handled.push('dropped')
            return keepStateAndData()
          },
        },
      },
    },
  })
  const gate = await world.run(world.createNode().start(Gate))
  for (const tag of ['kept', 'dropped', 'open'] as const) gate.cast(tag)
  await world.settle()
  expect(handled).toEqual(['kept'])
})
