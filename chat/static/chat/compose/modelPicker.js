// Who answers, and with which model: two plain lists. What is picked holds for what is sent from now on.
// Event: "shown" when it may be another one.

import { all, patch } from "../lib/api.js";
import { h } from "../lib/dom.js";

export class Picker extends EventTarget {
    #conversation = null;

    constructor(profiles, models, tell) {
        super();
        this.profiles = profiles;
        this.models = models;
        this.tell = tell;
        profiles.addEventListener("change", () => this.#picked({ profile: profiles.value }));
        models.addEventListener("change", () => this.#picked({ model: models.value || null }));
        this.ready = this.#load();
    }

    get choice() {
        const choice = {};
        if (this.profiles.value) choice.profile = this.profiles.value;
        if (this.models.options.length) choice.model = this.models.value;
        return choice;
    }

    // Shows who answers in a conversation; without one, the usual.
    async show(conversation) {
        this.#conversation = conversation;
        await this.ready;
        if (conversation !== this.#conversation) return;
        choose(this.profiles, conversation?.profile ?? this.usual);
        choose(this.models, conversation?.model ?? "");
        this.#explain();
    }

    names(list) {
        return [...list.options].map((option) => option.text);
    }

    // Picks by name, or by a part of one that no other has; without a name, leads to the list.
    pick(list, name) {
        if (!name) return unfold(list);
        const options = [...list.options];
        const same = options.find((option) => [option.value, option.text].some((each) => each.toLowerCase() === name.toLowerCase()));
        const like = options.filter((option) => option.text.toLowerCase().includes(name.toLowerCase()));
        const found = same ?? (like.length === 1 ? like[0] : null);
        if (!found) return this.tell(`“${name}” is not on the list: ${this.names(list).join(", ")}.`);
        list.value = found.value;
        list.dispatchEvent(new Event("change"));
        this.tell(`${found.text} answers from now on.`);
    }

    async #load() {
        const lists = [all("chat/profiles"), all("chat/models")].map((asked) => asked.catch(() => []));
        const [profiles, models] = await Promise.all(lists);
        this.usual = (profiles.find((item) => item.default) ?? profiles[0])?.slug ?? "";
        this.told = new Map(profiles.map((item) => [item.slug, item]));
        this.profiles.replaceChildren(...profiles.map((item) => new Option(item.name || item.slug, item.slug)));
        this.usualModel = models.find((item) => item.default)?.id;
        const names = models.map((item) => item.id).filter((name) => name !== this.usualModel);
        this.models.replaceChildren(new Option("", ""), ...names.map((name) => new Option(name, name)));
        this.profiles.hidden = !profiles.length;
        choose(this.profiles, this.usual);
        this.#explain();
    }

    #explain() {
        const told = this.told?.get(this.profiles.value);
        this.profiles.title = told?.description || "Who answers";
        this.models.options[0].textContent = told?.model ?? this.usualModel ?? "Usual model";
        this.dispatchEvent(new Event("shown"));
    }

    async #picked(change) {
        this.#explain();
        if (!this.#conversation) return;
        await patch(`conversations/${this.#conversation.id}`, change).catch((error) => this.tell(error.message));
    }
}

function unfold(list) {
    list.focus();
    try {
        list.showPicker();
    } catch {
        // Then the keyboard stands on it, and opens it.
    }
}

// A value that is not on the list any more is shown all the same.
function choose(select, value) {
    if (value && ![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, value));
    select.value = value ?? "";
}
