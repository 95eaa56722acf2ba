// The rows of gen_statem(3). What it shares with gen_server(3) is not said twice.

import type { Section } from './row.ts'

const asServer = 'As in gen_server.'

export const statemSection: Section = {
  title: 'gen_statem',
  manual: 'gen_statem(3)',
  kind: 'statem',
  groups: [
    {
      title: 'Start, init and callback mode',
      rows: [
        {
          otp: '`start/3,4`, `start_link/3,4`, their options and results',
          ours: '`self.startLink`, `node.start`',
          scenarios: ['init_ignore', 'init_stop', 'init_crash', 'x_init_exit'],
          has: ['"not_started"'],
          tests: ['behaviours/statem-rules: a start that fails tells why'],
          differs: `${asServer} No \`start_monitor\`, \`enter_loop\`, \`hibernate_after\`, \`debug\`, global names.`,
        },
        {
          otp: '`{ok, State, Data}`',
          ours: '`initial(state, data)`',
          scenarios: ['data_rules', 'stop_api'],
          has: ['["result","ok"]'],
        },
        {
          otp: '`{ok, State, Data, Actions}`',
          ours: '`initial(state, data, ...actions)`',
          scenarios: ['next_event_init', 'x_init_enter_timeouts', 'init_postpone'],
          has: ['"actions":'],
        },
        {
          otp: '`ignore`',
          ours: '`ignore()`',
          scenarios: ['init_ignore', 'x_init_ignore'],
          has: ['["result","ignore"]'],
        },
        { otp: '`{stop, Reason}`', ours: '`stop(reason)`', scenarios: ['init_stop'], has: ['"result":"stop"'] },
        {
          otp: 'garbage: `{bad_return_from_init, …}`',
          ours: 'the same',
          scenarios: ['x_init_bad'],
          has: ['"bad_return_from_init"'],
        },
        {
          otp: '`callback_mode() -> state_functions`',
          ours: '`defineStatem({ states })`',
          scenarios: ['postpone_basic', 'next_event_order'],
          has: ['"callback_mode":"state_functions"'],
        },
        {
          otp: '`handle_event_function`: a state may be any term',
          ours: '`defineHandleEvent({ handleEvent })`; states are compared by structure',
          scenarios: ['state_is_a_term'],
          has: ['"callback_mode":"handle_event_function"'],
          tests: ['behaviours/statem: states may be data, compared by structure'],
        },
        {
          otp: '`state_enter`',
          ours: 'an `enter` handler; `stateEnter: true`',
          scenarios: ['enter_basic', 'enter_same_state', 'enter_repeat_state'],
          has: ['"state_enter":true'],
        },
        {
          otp: 'the state `terminate` cannot be used with `state_functions`',
          ours: 'it can',
          differs: 'States are keys of an object of their own.',
        },
        {
          otp: '`code_change/4`, `format_status/1,2`',
          ours: '—',
          differs: asServer,
        },
      ],
    },
    {
      title: 'Event types',
      rows: [
        {
          otp: '`{call, From}`',
          ours: '`call: { tag }`',
          scenarios: ['late_reply', 'hibernate_call'],
          has: ['"op":"call"'],
        },
        { otp: '`cast`', ours: '`cast: { tag }`', scenarios: ['postpone_basic'], has: ['"op":"cast"'] },
        { otp: '`info`', ours: '`info`', scenarios: ['postpone_info_internal'], has: ['"info"'] },
        { otp: '`internal`', ours: '`internal`', scenarios: ['internal_before_external'], has: ['"internal"'] },
        { otp: '`timeout`', ours: '`eventTimeout`', scenarios: ['event_timeout_basic'], has: ['"timeout"'] },
        {
          otp: '`{timeout, Name}`',
          ours: '`timeout: { name }`',
          scenarios: ['generic_survives'],
          has: ['{"t":["timeout",'],
        },
        {
          otp: '`state_timeout`',
          ours: '`stateTimeout`',
          scenarios: ['state_timeout_basic'],
          has: ['"state_timeout"'],
        },
        {
          otp: '`enter`, with the state before',
          ours: '`enter`',
          scenarios: ['enter_basic', 'x_init_enter_change'],
          has: ['"enter",'],
        },
        {
          otp: 'an event that no clause takes fails the machine',
          ours: 'a call or cast without a handler does; a plain message is a dead letter',
          tests: [
            'behaviours/statem-rules: a call or cast that nobody handles ends the machine; a plain message is a dead letter',
          ],
          differs: 'A stray message kills no machine.',
        },
      ],
    },
    {
      title: 'Results of a state callback',
      rows: [
        {
          otp: '`{next_state, NextState, NewData}`, with `Actions`',
          ours: '`next(state, data, ...actions)`',
          scenarios: ['postpone_basic', 'state_timeout_with_change', 'enter_reply_order'],
          has: ['"result":"next_state"'],
        },
        {
          otp: '`next_state` to the same state is no change of state',
          ours: 'the same',
          scenarios: ['enter_same_state', 'state_is_a_term'],
          has: ['"result":"next_state"'],
        },
        {
          otp: '`{keep_state, NewData}`, with `Actions`',
          ours: '`keep(data, ...actions)`',
          scenarios: ['data_rules'],
          has: ['"result":"keep_state"'],
        },
        {
          otp: '`keep_state_and_data`, with `Actions`',
          ours: '`keepStateAndData(...actions)`',
          scenarios: ['next_event_order', 'repeat_without_enter'],
          has: ['"result":"keep_state_and_data"'],
        },
        {
          otp: '`{repeat_state, NewData}`, with `Actions`: the enter call again',
          ours: '`repeat(data, ...actions)`',
          scenarios: ['enter_repeat_state', 'x_enter_repeat', 'repeat_without_enter'],
          has: ['"result":"repeat_state"'],
        },
        {
          otp: '`repeat_state_and_data`',
          ours: '`repeatStateAndData(...actions)`',
          scenarios: ['enter_repeat_state', 'x_enter_repeat_data', 'repeat_without_enter'],
          has: ['"result":"repeat_state_and_data"'],
        },
        {
          otp: '`stop`, `{stop, Reason}`, `{stop, Reason, NewData}`; default reason `normal`',
          ours: '`stop(reason, data)`',
          scenarios: ['stop_reasons', 'x_stop_default'],
          has: ['"result":"stop"'],
        },
        {
          otp: '`{stop_and_reply, Reason, Replies}`, with `NewData`',
          ours: '`stopAndReply(reason, replies, data)`',
          scenarios: ['stop_reply', 'x_stop_reply_saved'],
          has: ['"result":"stop_and_reply"'],
        },
        {
          otp: 'garbage: `{bad_return_from_state_function, …}`',
          ours: 'the same',
          scenarios: ['bad_return', 'x_bad_after_postponed'],
          has: ['"bad_return_from_state_function"'],
        },
        {
          otp: 'an action that is none: `{bad_action_from_state_function, …}`',
          ours: 'the same',
          tests: ['behaviours/statem-rules: an enter call that returns %s ends the machine'],
        },
        {
          otp: 'it raises an error: `{Reason, Stack}`; it exits',
          ours: '`{ error, stack }`; `self.exit`',
          scenarios: ['crash', 'x_wildcard_crash'],
        },
        {
          otp: '`throw` returns a result',
          ours: '—',
          differs: 'What is thrown is a failure; return the result.',
        },
      ],
    },
    {
      title: 'Enter calls',
      rows: [
        {
          otp: 'made at the start, at a change of state and at a repeat',
          ours: 'the same',
          scenarios: ['enter_basic', 'enter_repeat_state', 'x_init_enter_change'],
          has: ['"enter"'],
        },
        {
          otp: 'they may not change the state',
          ours: 'a compile-time error, and OTP’s failure',
          scenarios: ['enter_next_state_error', 'x_enter_other'],
          has: ['"bad_state_enter_return_from_state_function"'],
        },
        { otp: '`next_state` to the same state is allowed', ours: 'the same', scenarios: ['x_enter_same'] },
        {
          otp: 'they may not postpone',
          ours: 'the same',
          scenarios: ['enter_postpone_error'],
          has: ['"bad_state_enter_action_from_state_function"'],
        },
        {
          otp: 'they may not insert events',
          ours: 'the same',
          scenarios: ['x_enter_next_event', 'x_enter_next_event_init'],
          has: ['"bad_state_enter_action_from_state_function"'],
        },
        {
          otp: 'they may stop, and reply',
          ours: 'the same',
          scenarios: ['enter_stop', 'x_enter_stop_reply'],
          has: ['"enter"'],
        },
      ],
    },
    {
      title: 'Transition actions',
      rows: [
        {
          otp: '`postpone`: tried again after a change of state, before newer events',
          ours: '`postpone()`',
          scenarios: ['postpone_basic', 'postpone_several_changes', 'x_postpone_three_changes', 'postpone_keep_state'],
          has: ['"postpone"'],
        },
        {
          otp: '`{postpone, false}`',
          ours: '`postpone(false)`',
          tests: ['behaviours/statem-actions: of postpone and hibernate the last in the list holds'],
        },
        {
          otp: '`postpone` from init is ignored',
          ours: 'the same',
          scenarios: ['init_postpone'],
          has: ['"postpone"'],
        },
        {
          otp: '`{next_event, EventType, EventContent}`: of any type, before queued and retried events, in list order',
          ours: '`nextEvent(type, …)`',
          scenarios: ['next_event_order', 'next_event_types', 'next_event_vs_postponed', 'next_event_init'],
          has: ['"next_event":'],
        },
        {
          otp: '`hibernate`, `{hibernate, Bool}`',
          ours: '`hibernate()`',
          scenarios: ['hibernate_call', 'hibernate_everywhere'],
          has: ['"hibernate"'],
          differs: 'Accepted; there is nothing to give back.',
        },
        {
          otp: '`{reply, From, Reply}`',
          ours: '`reply(from, value)`',
          scenarios: ['late_reply', 'x_save_and_reply_to', 'x_reply_to_twice'],
          has: ['"reply_to":'],
        },
        {
          otp: '`change_callback_module`, `push_callback_module`, `pop_callback_module`',
          ours: '`changeCallbackModule`, `pushCallbackModule`, `popCallbackModule`',
          tests: ['behaviours/statem-rules: another definition takes over, and the first one returns'],
        },
        {
          otp: '`pop_callback_module` of nothing fails the machine',
          ours: 'the same',
          tests: ['behaviours/statem-rules: an enter call that returns %s ends the machine'],
        },
        {
          otp: 'of actions that set the same option the last one holds',
          ours: 'the same',
          scenarios: ['last_action_wins', 'x_init_enter_timeouts'],
        },
      ],
    },
    {
      title: 'Time-outs',
      rows: [
        {
          otp: '`{state_timeout, Time, Content}`: ends with the state',
          ours: '`stateTimeout(ms, content)`',
          scenarios: ['state_timeout_basic', 'state_timeout_cancel_by_change', 'state_timeout_with_change'],
          has: ['"state_timeout":['],
        },
        {
          otp: '`{timeout, Time, Content}`: any event ends it',
          ours: '`eventTimeout(ms, content)`',
          scenarios: ['event_timeout_basic', 'event_timeout_cancelled', 'event_timeout_state_change'],
          has: ['"timeout":['],
        },
        {
          otp: '`Time` alone as an action',
          ours: '—',
          differs: 'Say `eventTimeout(ms, ms)`: that form is for old `gen_fsm` code.',
        },
        {
          otp: '`{{timeout, Name}, Time, Content}`',
          ours: '`timeout(name, ms, content)`',
          scenarios: ['generic_survives', 'generic_restart'],
          has: ['"generic_timeout":['],
          differs: 'Names are strings.',
        },
        {
          otp: '`Time` 0: before any message not yet received, without a timer, after events already queued',
          ours: 'the same',
          scenarios: ['timeout_zero_order', 'event_timeout_zero', 'timeout_zero_event_first'],
          has: ['[0,'],
        },
        {
          otp: '`Time` `infinity` cancels',
          ours: '`Infinity`',
          scenarios: ['state_timeout_infinity', 'x_infinity_cancels'],
          has: ['"infinity"'],
        },
        {
          otp: 'set again, it starts anew',
          ours: 'the same',
          scenarios: ['state_timeout_restart', 'generic_restart', 'timeout_zero_restart'],
        },
        {
          otp: '`{abs, true}`',
          ours: '`{ abs: true }`: a time of `self.now()`',
          tests: ['behaviours/statem-timeouts: an absolute time is one of the clock of self.now()'],
        },
        {
          otp: '`{state_timeout, cancel}`, `{timeout, cancel}`, `{{timeout, Name}, cancel}`',
          ours: '`cancel(type)`',
          scenarios: [
            'state_timeout_cancel',
            'event_timeout_cancel_update',
            'generic_cancel_update',
            'x_expired_cancel',
          ],
          has: ['"cancel"'],
        },
        {
          otp: '`{…, update, Content}`; of one that does not run: a time-out 0',
          ours: '`update(type, content)`',
          scenarios: ['x_update_running', 'x_update_absent', 'x_update_expired', 'x_expired_update'],
          has: ['"update"'],
        },
        {
          otp: 'they come in the order of their times',
          ours: 'the same',
          scenarios: ['timeouts_in_order'],
        },
      ],
    },
    {
      title: 'Calls, stop and terminate',
      rows: [
        {
          otp: '`call/2,3`; `Timeout`, default `infinity`',
          ours: '`self.call`, `ref.call`; default 5000',
          scenarios: ['call_timeout', 'hibernate_call'],
          has: ['"op":"call"'],
          differs: 'One default for all behaviours: gen_server’s.',
        },
        {
          otp: '`{clean_timeout, T}`, `{dirty_timeout, T}`',
          ours: '—',
          differs: 'No late reply ever reaches a caller, and no proxy is needed for it.',
        },
        {
          otp: 'exit `timeout`; the late reply is dropped',
          ours: 'rejects, reason `timeout`',
          scenarios: ['call_timeout', 'postpone_call_timeout'],
          has: ['"timeout"]'],
        },
        {
          otp: 'exit `noproc`, or the reason of a machine that ends meanwhile',
          ours: 'rejects with it',
          scenarios: ['call_dead', 'postpone_call_stop', 'x_postpone_call_stop'],
          has: ['"call_exit"'],
        },
        {
          otp: '`cast/2`: `ok`, whether or not the machine exists',
          ours: '`self.cast`, `ref.cast`',
          scenarios: ['call_dead'],
          has: ['"op":"cast"'],
        },
        { otp: '`reply/1,2`', ours: '`self.reply`; the action', scenarios: ['late_reply'], has: ['"reply_to":'] },
        {
          otp: '`send_request/2,4`, `receive_response`, `wait_response`, `check_response`, `reqids_*`',
          ours: '`self.call`',
          differs: asServer,
        },
        {
          otp: '`stop/1,3`; exit `noproc`',
          ours: '`ref.stop(reason)`',
          scenarios: ['stop_api', 'call_dead'],
          has: ['"op":"stop"'],
        },
        {
          otp: '`terminate/3`, called when a callback stops or fails',
          ours: '`terminate`',
          scenarios: ['stop_reasons', 'crash', 'bad_return'],
          has: ['["terminate",'],
        },
        {
          otp: 'trapping exits: called when the parent ends it',
          ours: 'the same',
          scenarios: ['exit_signal_trap_parent', 'x_parent_exit_normal', 'x_parent_exit_shutdown'],
          has: ['"trap_exit":true', '["terminate",'],
        },
        {
          otp: 'trapping exits: those of others are `info` events',
          ours: 'the same: an `Exit`',
          scenarios: ['exit_signal_trap_other'],
          has: ['"EXIT"'],
        },
        {
          otp: 'otherwise the process ends at once',
          ours: 'the same',
          scenarios: ['exit_signal_no_trap_other', 'x_parent_exit_kill'],
          has: ['"op":"exit"'],
        },
      ],
    },
  ],
}
