/**
 * What the server and the chat page say to each other: rows of the HTTP API and frames of the socket.
 * Fields have the server's names. Read by `tsc` only; no browser loads it.
 */
declare namespace Wire {
    type Id = string;
    /** ISO 8601 with an offset. */
    type Moment = string;

    interface Page<Row> {
        items: Row[];
        count: number;
        /** The cursor of the next page; null on the last one. */
        next: string | null;
    }

    interface Snippet {
        message_id: Id | null;
        text: string;
        /** From and to, in code points. */
        marks: [number, number][];
    }

    interface Conversation {
        id: Id;
        title: string;
        profile: string | null;
        model: string | null;
        schedule_id: Id | null;
        forked_from: Id | null;
        folder: string | null;
        pinned: boolean;
        unread: boolean;
        live: boolean;
        asks: boolean;
        shared: boolean;
        created_at: Moment;
        active_at: Moment;
        archived_at: Moment | null;
        head_id: Id | null;
        snippet: Snippet | null;
    }

    interface Attachment {
        id: Id;
        name: string;
        kind: "image" | "text" | "pdf";
        media_type: string;
        size: number;
        width: number | null;
        height: number | null;
        tokens: number | null;
        created_at: Moment;
    }

    type MessageStatus = "pending" | "streaming" | "complete" | "stopped" | "error" | "interrupted";

    interface Part {
        kind: "text" | "thinking" | "tool";
        text: string | null;
        html: string | null;
        call_id: string | null;
        duration_ms: number | null;
    }

    interface ToolCall {
        call_id: string;
        name: string;
        arguments: Record<string, unknown>;
        result: string | null;
        is_error: boolean | null;
        duration_ms: number | null;
        allowed: string | null;
    }

    type ApprovalStatus = "open" | "allowed" | "answered" | "denied" | "expired" | "withdrawn";

    type CardText = string | { suggestion?: string; message?: string; text?: string; label?: string };

    interface ApprovalCard {
        title?: string;
        lines?: (string | [string, CardText | CardText[]] | { label: string; value: CardText | CardText[] })[];
        warnings?: CardText[];
        choices?: CardText[];
    }

    interface OpenApproval {
        approval_id: Id;
        call_id: string;
        tool: string;
        kind: string;
        text: string;
        card: ApprovalCard;
        expires_at: Moment | null;
        always_in: string | null;
    }

    interface Approval extends Omit<OpenApproval, "approval_id"> {
        id: Id;
        status: ApprovalStatus;
        run_id: Id | null;
    }

    interface StandingApproval {
        id: Id;
        tool: string;
        given_at: Moment;
    }

    /** What a schedule puts above a message; which fields there are depends on `type`. */
    interface ScheduleCard {
        type?: "result" | "self_pause" | "warning";
        schedule_id?: Id;
        schedule_name?: string;
        schedule?: string;
        severity?: string;
        status?: string;
        changed?: boolean;
        report?: { severity?: string };
        fired_at?: Moment;
        nominal_at?: Moment;
        why?: string;
        reason?: string;
        paused_reason?: string;
        title?: string;
        text?: string;
    }

    interface Message {
        id: Id;
        conversation_id: Id;
        role: "user" | "assistant";
        status: MessageStatus;
        reason: string | null;
        notice: string | null;
        text: string;
        html: string | null;
        parent_id: Id | null;
        parts: Part[];
        attachments: Attachment[];
        siblings: Id[];
        model: string | null;
        profile: string | null;
        run_id: Id | null;
        schedule_id: Id | null;
        card: ScheduleCard;
        tools: ToolCall[];
        approvals: OpenApproval[];
        last_seq: number;
        created_at: Moment;
        finished_at: Moment | null;
        first_token_ms: number | null;
        total_ms: number | null;
        input_tokens: number;
        output_tokens: number;
        cost_usd: number | null;
    }

    interface Profile {
        slug: string;
        name: string;
        description: string;
        default: boolean;
        model: string | null;
    }

    interface Model {
        id: string;
        default: boolean;
    }

    /** What a model would read of a conversation; `usd_per_token` is null where the price is not known. */
    interface ContextEstimate {
        tokens: number;
        room: number;
        left_out: boolean;
        usd_per_token: number | null;
        chars_per_token: number;
    }

    interface Share {
        url: string;
        shared_at: Moment;
        expires_at: Moment | null;
        messages: number;
    }

    interface Links {
        login: string;
        /** Paths with the id 0, which the page replaces. Absent where this person may not look. */
        run?: string;
        schedule?: string;
    }

    interface FileLimits {
        most: number;
        image: number;
        largest: number;
    }

    interface PageConfig {
        user: string;
        conversation: Id | null;
        longest: number;
        files: FileLimits;
        offline: boolean;
        links: Links;
    }

    /** Frames of the socket, from the server. */
    interface Welcome {
        type: "welcome";
        feed: number;
        epoch: string;
        heartbeat_sec?: number;
    }

    interface FeedFrame {
        type: "feed";
        feed_seq: number;
        what: string;
        conversation_id: Id;
        message_id: Id | null;
    }

    interface Accepted {
        type: "accepted";
        client_msg_id: string;
        conversation_id: Id;
        message_id: Id;
        reply_id: Id;
    }

    interface ErrorFrame {
        type: "error";
        code: string;
        message: string;
        client_msg_id?: string;
        fields?: Record<string, string[]>;
    }

    interface Numbered {
        message_id: Id;
        seq: number;
    }

    type ReplyFrame = Numbered &
        (
            | { type: "snapshot"; text: string; status: MessageStatus; parts: Part[]; tools: ToolCall[] }
            | { type: "started"; model: string | null; profile: string | null }
            | { type: "turn"; turn: number }
            | { type: "delta"; text: string }
            | { type: "thinking"; text: string }
            | ({ type: "tool_started"; turn: number } & Pick<ToolCall, "call_id" | "name" | "arguments" | "allowed">)
            | ({ type: "tool_finished" } & Pick<ToolCall, "call_id" | "name" | "is_error" | "duration_ms" | "result">)
            | { type: "usage"; model: string | null }
            | { type: "notice"; code: string; text: string }
            | { type: "attempt"; outcome: string; reason: string }
            | ({ type: "approval" } & OpenApproval)
            | { type: "approval_resolved"; approval_id: Id; status: ApprovalStatus }
            | { type: "final"; status: MessageStatus; reason: string; notice: string; sha256: string | null; length: number }
        );

    type Frame = Welcome | FeedFrame | Accepted | ErrorFrame | ReplyFrame;

    /** What the page sends; the server checks it. */
    type Request = { type: "hello" | "send" | "stop" | "ack" | "ping"; [field: string]: unknown };
}
