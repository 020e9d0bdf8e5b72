// The open approvals of runs, above the conversation, as the same cards as in it.

import { get } from "../lib/api.js";
import { h, icon } from "../lib/dom.js";
import { ApprovalCard } from "../thread/approvalCard.js";

const POLL_MS = 30_000;
const OUTCOME_MS = 4000; // how long a card stays after its outcome

export class PendingApprovals {
    /** @type {Map<Wire.Id, ApprovalCard>} */
    #cards = new Map();
    #timer = 0;

    /**
     * @param {HTMLElement} element
     * @param {string | undefined} runPath with the id 0; absent where this person may not look
     */
    constructor(element, runPath) {
        this.element = element;
        this.runPath = runPath;
        this.list = h("div", { class: "approval-list" });
        this.label = h("span");
        const isOpen = !matchMedia("(max-width: 820px)").matches;
        this.element.append(h("details", { open: isOpen }, h("summary", {}, icon("hand"), this.label, icon("chevron")), this.list));
        document.addEventListener("visibilitychange", () => this.load());
        this.load();
    }

    async load() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.load(), POLL_MS);
        if (document.hidden) return;
        /** @type {Wire.Page<Wire.Approval> | null} */
        const page = await get("approvals?status=open&limit=20").catch(() => null);
        if (page) this.#show(page.items.filter((approval) => approval.run_id));
    }

    /** @param {Wire.Approval[]} open */
    #show(open) {
        const ids = new Set(open.map(({ id }) => id));
        for (const [id, card] of this.#cards) if (!ids.has(id)) this.#close(id, card);
        for (const approval of open) if (!this.#cards.has(approval.id)) this.#add(approval);
        this.#showCount();
    }

    /** @param {Wire.Approval} approval */
    #add(approval) {
        const name = `run ${approval.run_id}`;
        const source = this.runPath ? h("a", { class: "from", href: this.runPath.replace("/0/", `/${approval.run_id}/`) }, name) : h("span", { class: "from" }, name);
        const card = new ApprovalCard({ ...approval, approval_id: approval.id }, source);
        this.#cards.set(approval.id, card);
        this.list.append(card.element);
    }

    /**
     * It was resolved elsewhere: shows the outcome for a moment.
     * @param {Wire.Id} id
     * @param {ApprovalCard} card
     */
    async #close(id, card) {
        this.#cards.delete(id);
        await card.close();
        setTimeout(() => {
            card.element.remove();
            this.#showCount();
        }, OUTCOME_MS);
    }

    #showCount() {
        const open = this.#cards.size;
        this.element.hidden = !this.list.childElementCount;
        this.label.textContent = open === 1 ? "A run waits for your approval" : open ? `${open} runs wait for your approval` : "Answered";
    }
}
