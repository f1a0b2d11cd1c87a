/** A sample of a format as its page shows it, and what it says by hand: [due in us, input, output] of each request. */
export interface PageSample {
  readonly format: string;
  /** A header, if any, and rows; objects are JSON Lines. */
  readonly head?: string;
  readonly rows: readonly (string | object)[];
  readonly requests: readonly (readonly [dueUs: number, input: number, output: number])[];
}

const UUID = '1722ac82-0a46-4bf0-aa08-89794e7a2b3f';
const MESSAGES = [
  { role: 'system', content: 'abcd' },
  { role: 'user', content: 'Hello world!' },
];
const WEKA = {
  t: 0,
  type: 's',
  model: 'm',
  in: 130,
  out: 297,
  hash_ids: [1, 2],
  input_types: ['text'],
  stop: 'tool_use',
};
const SPAN = {
  traceId: '5B8EFFF798038103D269B633813FC60C',
  spanId: 'EEE19B7EC3C1B174',
  name: 'chat m',
  kind: 3,
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
  attributes: [
    { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
    { key: 'gen_ai.usage.input_tokens', value: { intValue: '100' } },
    { key: 'gen_ai.usage.output_tokens', value: { intValue: 10 } },
  ],
  status: {},
};
const MOONCAKE = { timestamp: 27482, input_length: 955, output_length: 52, hash_ids: [46, 47] };

/** Every schema that the pages of traces show, in their order. */
export const PAGE_SAMPLES: readonly PageSample[] = [
  {
    format: 'azure-2023',
    head: 'TIMESTAMP,ContextTokens,GeneratedTokens',
    rows: ['2023-11-16 18:15:46.6805900,374,44', '2023-11-16 18:15:50.9951690,396,109'],
    requests: [
      [0, 374, 44],
      [4_314_579, 396, 109],
    ],
  },
  {
    format: 'azure-2024',
    head: 'TIMESTAMP,ContextTokens,GeneratedTokens',
    rows: ['2024-05-12 00:00:00.001163+00:00,1452,3', '2024-05-12 00:00:01+00:00,5,1'],
    requests: [
      [0, 1452, 3],
      [998_837, 5, 1],
    ],
  },
  {
    format: 'azure-2025',
    head: 'TIMESTAMP,NumImages,ContextTokens,GeneratedTokens',
    rows: ['2024-10-15 00:00:00.0000000,2,900,120'],
    requests: [[0, 900, 120]],
  },
  {
    format: 'burstgpt-v1',
    head: 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type',
    rows: [
      '5,ChatGPT,472,18,490,Conversation log',
      '7,GPT-4,0,0,0,API log',
      '9,GPT-4,12,0,12,API log',
      '9,GPT-4,1,2,3,API log',
    ],
    requests: [
      [0, 472, 18],
      [4_000_000, 1, 2],
    ],
  },
  {
    format: 'burstgpt-v2',
    head: 'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type',
    rows: [`19440110.0,${UUID},43,GPT-4,906,446,1352,Conversation log`, '19440111.5,,2,ChatGPT,10,5,15,API log'],
    requests: [
      [0, 906, 446],
      [1_500_000, 10, 5],
    ],
  },
  {
    format: 'mooncake',
    rows: [MOONCAKE, { ...MOONCAKE, timestamp: 27485, input_length: 1024 }],
    requests: [
      [0, 955, 52],
      [3000, 1024, 52],
    ],
  },
  {
    format: 'bailian',
    rows: [
      {
        chat_id: 159,
        parent_chat_id: 55,
        timestamp: 61.114,
        input_length: 70,
        output_length: 132,
        type: 'text',
        turn: 2,
        hash_ids: [1089, 1090, 1091, 6326, 13148],
      },
      {
        chat_id: 160,
        parent_chat_id: -1,
        timestamp: 62.5,
        input_length: 16,
        output_length: 1,
        turn: 1,
        hash_ids: [1089],
      },
    ],
    requests: [
      [0, 70, 132],
      [1_386_000, 16, 1],
    ],
  },
  {
    format: 'weka',
    rows: [
      {
        id: 'c',
        models: ['m'],
        block_size: 64,
        tool_tokens: 11880,
        system_tokens: 3427,
        hash_id_scope: 'local',
        requests: [
          WEKA,
          { ...WEKA, t: 12.5, type: 'n', in: 192, out: 5, hash_ids: [1, 2, 3], api_time: 3.5, think_time: 2 },
          {
            t: 20,
            type: 'subagent',
            agent_id: 'a',
            subagent_type: null,
            duration_ms: null,
            total_tokens: null,
            status: 'async_launched',
            tool_tokens: 1,
            system_tokens: 1,
            requests: [{ ...WEKA, t: 1.5, hash_ids: [762, 763] }],
          },
        ],
        totals: { parent: 2 },
        _analysis: {},
      },
    ],
    requests: [
      [0, 130, 297],
      [12_500_000, 192, 5],
      [21_500_000, 130, 297],
    ],
  },
  {
    format: 'tracelab',
    rows: [
      {
        session_id: `claude:${UUID}`,
        round_index: 0,
        provider: 'claude',
        model: 'm',
        user: 'u',
        project: 'p',
        input_tokens_total: 1000,
        prefix_tokens: 600,
        newly_append_tokens: 400,
        output_tokens: 50,
        reasoning_output_tokens: 10,
        first_input_event_type: 'user_message',
        current_tool_result_count: 0,
        current_tool_result_chars: 0,
        timing_events: [
          { event_type: 'user_message', timestamp: '2026-03-01T10:00:00.000Z' },
          { event_type: 'text', timestamp: '2026-03-01T10:00:04.000Z' },
        ],
        tools: [{ tool_name: 'Bash', emitted_at: '2026-03-01T10:00:04Z', result_at: null, tool_wall_latency_ms: 1000 }],
      },
    ],
    requests: [[0, 1000, 50]],
  },
  {
    format: 'tracelab-csv',
    head: 'id,input_len,output_len,arrival_time,round_idx,tool_wait_after_ms,prefix_len',
    rows: ['s,100,9,500,0,20.5,0', 's,28,8,500,1,0,100'],
    requests: [
      [0, 100, 9],
      [20_500, 128, 8],
    ],
  },
  {
    format: 'bidaw',
    head: 'user_id time_stamp(seconds) query_length response_length round_index',
    rows: ['7 100 40 10 1', '7 143 20 5 2'],
    requests: [
      [0, 40, 10],
      [43_000_000, 70, 5],
    ],
  },
  {
    format: 'ragpulse',
    rows: [
      {
        timestamp: '123',
        input_length: 3861,
        output_length: 127,
        session_id: 's',
        hash_ids: { sys_prompt: [1], passages_ids: [2, 3], history: [], web_search: [], user_input: [4] },
      },
    ],
    requests: [[0, 3861, 127]],
  },
  {
    format: 'rollouts',
    rows: [{ group: 0, stream: 0, prompt_len: 7570, out_lens: [399, 65, 57], obs_lens: [23, 942, 2126] }],
    requests: [
      [0, 7570, 399],
      [0, 7992, 65],
      [0, 8999, 57],
    ],
  },
  {
    format: 'splitwise-sim',
    head: 'request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size',
    rows: ['0,2,0,1,1,4096,32'],
    requests: [[0, 4096, 32]],
  },
  {
    format: 'vidur',
    head: 'arrived_at,num_prefill_tokens,num_decode_tokens',
    rows: ['0.5,10,3'],
    requests: [[0, 10, 3]],
  },
  {
    format: 'vidur-lengths',
    head: 'num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio',
    rows: ['10,3,13,3.3'],
    requests: [[0, 10, 3]],
  },
  {
    format: 'sharegpt',
    rows: [
      {
        id: 'QWJhYvA_0',
        conversations: [
          { from: 'human', value: 'hello' },
          { from: 'gpt', value: 'hi' },
        ],
      },
    ],
    requests: [[0, 2, 1]],
  },
  {
    format: 'lmsys-chat',
    rows: [
      {
        conversation_id: 'a',
        model: 'm',
        conversation: [
          { content: 'abcd', role: 'user' },
          { content: 'efgh', role: 'assistant' },
        ],
        turn: 1,
        language: 'English',
        openai_moderation: [],
        redacted: false,
      },
    ],
    requests: [[0, 1, 1]],
  },
  {
    format: 'wildchat',
    rows: [
      {
        conversation_hash: 'a',
        model: 'm',
        timestamp: '2023-04-09T00:02:53+00:00',
        conversation: [
          { content: 'abcd', role: 'user', country: 'C', timestamp: null, turn_identifier: 1 },
          { content: 'efgh', role: 'assistant', timestamp: '2023-04-09T00:02:53+00:00', turn_identifier: 1 },
        ],
        turn: 1,
        header: {},
      },
    ],
    requests: [[0, 1, 1]],
  },
  {
    format: 'aiperf',
    rows: [
      { text: 'abcdefgh', timestamp: 0, output_length: 5 },
      { texts: [{ name: 't', contents: ['abcd'] }], images: ['i.png'], timestamp: 100.5, output_length: 3, extra: {} },
    ],
    requests: [
      [0, 2, 5],
      [100_500, 1, 3],
    ],
  },
  {
    format: 'aiperf',
    rows: [
      {
        session_id: 's',
        turns: [
          { text: 'abcd', timestamp: 0, output_length: 4 },
          { text: 'efgh', delay: 100, output_length: 2 },
        ],
      },
    ],
    requests: [
      [0, 1, 4],
      [100_000, 6, 2],
    ],
  },
  {
    format: 'aiperf-untimed',
    rows: [
      { text: 'abcd', image: 'a.png' },
      { type: 'random_pool', texts: ['abcdefgh'] },
    ],
    requests: [
      [0, 1, 256],
      [0, 2, 256],
    ],
  },
  {
    format: 'mooncake-sessions',
    rows: [
      { session_id: 'a', timestamp: 0, input_length: 10, output_length: 3, hash_ids: [1] },
      { session_id: 'a', delay: 10, input_length: 10, output_length: 3, hash_ids: [2] },
    ],
    requests: [
      [0, 10, 3],
      [10_000, 23, 3],
    ],
  },
  {
    format: 'aiperf',
    rows: [
      { text_input: 'abcd', output_length: 3, timestamp: 0 },
      { messages: MESSAGES, tools: [{}], message_mode: 'history', timestamp: 10, output_length: 3 },
      { payload: { model: 'm', messages: MESSAGES, max_tokens: 5 }, timestamp: 11 },
    ],
    requests: [
      [0, 1, 3],
      [10_000, 5, 3],
      [11_000, 4, 5],
    ],
  },
  {
    format: 'aiperf-inputs',
    rows: [{ data: [{ session_id: 'a', payloads: [{ messages: MESSAGES, max_tokens: 5 }] }] }],
    requests: [[0, 4, 5]],
  },
  {
    format: 'messages',
    rows: [
      { model: 'm', messages: MESSAGES, max_tokens: 5, stream: true },
      { model: 'm', prompt: 'abcdefgh', max_tokens: 6 },
    ],
    requests: [
      [0, 4, 5],
      [0, 2, 6],
    ],
  },
  {
    format: 'aiperf-dag',
    rows: [
      {
        session_id: 'root',
        turns: [
          { messages: MESSAGES, max_tokens: 6, spawns: ['sub'] },
          { messages: MESSAGES, max_tokens: 2, delay: 5 },
        ],
      },
      { session_id: 'sub', turns: [{ messages: MESSAGES, max_tokens: 3, delay: 10, extra: { temperature: 0 } }] },
    ],
    requests: [
      [0, 4, 6],
      [10_000, 4, 3],
      [15_000, 14, 2],
    ],
  },
  {
    format: 'sagemaker',
    rows: [
      {
        captureData: {
          endpointInput: { data: JSON.stringify({ messages: MESSAGES, max_tokens: 7 }), encoding: 'JSON' },
          endpointOutput: { data: '{}', encoding: 'JSON' },
        },
        eventMetadata: { eventId: 'e', inferenceTime: '2026-04-29T00:03:18Z' },
        eventVersion: '0',
      },
    ],
    requests: [[0, 4, 7]],
  },
  {
    format: 'baseten',
    rows: [
      {
        timestamp_start_unix_ms: 1_760_000_000_123,
        prompt: 'abcd',
        input_tokens: 32,
        output_tokens: 5,
        total_hashes: [123, 456],
        provided_session_id: 's',
        duration_e2e_ms: 100,
        duration_ttft_ms: 10,
        request_canceled: 0,
        block_size: 16,
      },
    ],
    requests: [[0, 32, 5]],
  },
  {
    format: 'guidellm',
    head: 'timestamp,input_length,output_length',
    rows: ['0.5,10,3', '1.75,11,4'],
    requests: [
      [0, 10, 3],
      [1_250_000, 11, 4],
    ],
  },
  {
    format: 'prompts',
    rows: [{ prompt: 'abcd', prompt_tokens_count: 5, output_tokens_count: 6 }],
    requests: [[0, 5, 6]],
  },
  {
    format: 'prompts',
    rows: [{ prompt: 'abcdefgh', output_tokens: 3 }, { prompt: 'abcd' }],
    requests: [
      [0, 2, 3],
      [0, 1, 256],
    ],
  },
  {
    format: 'sharegpt',
    rows: [{ conversations: [{ content: 'abcd' }, { content: 'efgh' }], image: 'x.png' }],
    requests: [[0, 1, 1]],
  },
  {
    format: 'messages',
    rows: [{ messages: MESSAGES, max_tokens: 256, temperature: 0.5 }],
    requests: [[0, 4, 256]],
  },
  {
    format: 'sglang-agentic',
    rows: [{ metadata: {}, conversations: [[{ messages: MESSAGES, prompt_tokens: 73_821 }]] }],
    requests: [[0, 73_821, 256]],
  },
  {
    format: 'openai-batch',
    rows: [
      {
        custom_id: 'request-1',
        method: 'POST',
        url: '/v1/chat/completions',
        body: { model: 'm', messages: MESSAGES, max_tokens: 1000 },
      },
      {
        id: 'batch_req_1',
        custom_id: 'request-1',
        response: { status_code: 200, request_id: 'r', body: { usage: { prompt_tokens: 9, completion_tokens: 8 } } },
        error: null,
      },
    ],
    requests: [[0, 9, 8]],
  },
  {
    format: 'otel',
    rows: [{ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: {}, spans: [SPAN] }] }] }],
    requests: [[0, 100, 10]],
  },
  {
    format: 'otel',
    rows: [
      {
        trace_id: 't',
        span_count: 1,
        spans: [
          {
            span_id: 'a',
            parent_span_id: null,
            start_time: '2026-02-25T10:00:00.000000',
            end_time: '2026-02-25T10:00:01.000000',
            attributes: { 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 6 },
          },
        ],
      },
    ],
    requests: [[0, 5, 6]],
  },
  {
    format: 'litellm',
    rows: [
      {
        id: 'a',
        trace_id: 't',
        call_type: 'acompletion',
        stream: true,
        status: 'success',
        model: 'm',
        model_group: 'g',
        prompt_tokens: 5,
        completion_tokens: 6,
        total_tokens: 11,
        startTime: 1_731_693_600.25,
        endTime: 1_731_693_601.25,
        completionStartTime: 1_731_693_600.5,
        cache_hit: false,
        messages: MESSAGES,
        response: {},
        metadata: {},
      },
    ],
    requests: [[0, 5, 6]],
  },
  {
    format: 'litellm',
    head: 'request_id,call_type,startTime,endTime,completionStartTime,model,prompt_tokens,completion_tokens,cache_hit,status',
    rows: [
      'q,acompletion,2026-01-05T10:00:00.250,2026-01-05T10:00:01.250,,m,5,6,False,success',
      'r,acompletion,2026-01-05T10:00:02.000,2026-01-05T10:00:02.001,,m,5,6,True,success',
      's,acompletion,2026-01-05T10:00:03.250,2026-01-05T10:00:03.500,,m,,,None,failure',
      't,acompletion,2026-01-05T10:00:03.250,2026-01-05T10:00:03.500,,m,7,8,None,success',
    ],
    requests: [
      [0, 5, 6],
      [3_000_000, 7, 8],
    ],
  },
  {
    format: 'langfuse',
    rows: [
      {
        id: 'a',
        trace_id: 't',
        type: 'GENERATION',
        parent_observation_id: null,
        start_time: '2026-01-05 10:00:00.000001',
        end_time: '2026-01-05 10:00:01.000001',
        completion_start_time: null,
        provided_model_name: 'm',
        model_parameters: '{"temperature":0.5}',
        usage_details: { input: 5, output: 6, total: 31, input_cached_tokens: 20 },
        session_id: 's',
        user_id: 'u',
        input: 'x',
        output: 'y',
      },
    ],
    requests: [[0, 25, 6]],
  },
  {
    format: 'langfuse',
    rows: [
      {
        id: 'a',
        traceId: 't',
        type: 'GENERATION',
        startTime: '2026-01-05T10:00:00.000Z',
        usageDetails: { input: 5, output: 6, total: 11 },
      },
    ],
    requests: [[0, 5, 6]],
  },
  {
    format: 'servegen-conversations',
    rows: [
      JSON.stringify([
        [
          {
            turn: 0,
            timestamp: 50.5,
            input_token_count: 20,
            output_token_count: 5,
            input_tokens: [1],
            output_tokens: [2],
          },
          {
            turn: 1,
            timestamp: 80,
            input_token_count: 40,
            output_token_count: 6,
            input_tokens: [1],
            output_tokens: [2],
          },
        ],
        [{ turn: 0, timestamp: 60, input_token_count: 7, output_token_count: 8, input_tokens: [], output_tokens: [] }],
      ]),
    ],
    requests: [
      [0, 20, 5],
      [9_500_000, 7, 8],
      [29_500_000, 40, 6],
    ],
  },
  {
    format: 'atif',
    rows: [
      {
        schema_version: 'ATIF-v1.7',
        session_id: 's',
        agent: { name: 'a', version: '1', model_name: 'm', tool_definitions: [], extra: {} },
        steps: [
          { step_id: 1, source: 'user', message: 'hi', timestamp: '2025-10-11T10:30:00Z' },
          {
            step_id: 2,
            source: 'agent',
            timestamp: '2025-10-11T10:30:02Z',
            message: '',
            reasoning_content: 'r',
            tool_calls: [{ tool_call_id: 'c', function_name: 'f', arguments: {} }],
            observation: { results: [{ source_call_id: 'c', content: 'ok' }] },
            metrics: { prompt_tokens: 520, completion_tokens: 80, cached_tokens: 200, cost_usd: 0.1 },
          },
          {
            step_id: 3,
            source: 'agent',
            timestamp: '2025-10-11T10:30:05+00:00',
            message: 'done',
            metrics: { prompt_tokens: 640, completion_tokens: 7 },
          },
        ],
        final_metrics: { total_prompt_tokens: 1160, total_steps: 3 },
        notes: 'n',
      },
    ],
    requests: [
      [0, 520, 80],
      [3_000_000, 640, 7],
    ],
  },
  {
    format: 'mooncake-agentic',
    rows: [
      { request_id: 'root', session_id: 's', timestamp: 0, input_length: 4, output_length: 1, hash_ids: [1] },
      {
        request_id: 'child',
        session_id: 's',
        input_length: 4,
        output_length: 1,
        hash_ids: [1],
        wait_for: ['root'],
        delay: 2,
        tool_wait_ms: 3,
      },
    ],
    requests: [
      [0, 4, 1],
      [5000, 4, 1],
    ],
  },
  {
    format: 'mooncake-sessions',
    rows: [{ created_time: 0, input_length: 5, output_length: 3, hash_ids: [1] }],
    requests: [[0, 5, 3]],
  },
  {
    format: 'applied-compute',
    rows: [
      {
        num_turns: 2,
        input_prompt_length: 4096,
        assistant_response_length: [1, 2],
        tool_call_output_length: [3, 4],
        tool_call_latency: [1.5, 0.2],
        final_assistant_response_length: 64,
      },
    ],
    requests: [
      [0, 4096, 1],
      [1_500_000, 4100, 2],
      [1_700_000, 4106, 64],
    ],
  },
];
