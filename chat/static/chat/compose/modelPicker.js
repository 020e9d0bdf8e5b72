// Profile, and with which model: two plain lists. A choice holds for what is sent from now on.
// Emits "shown" when the choice may have changed.

import { getAll, messageOf, patch } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";

/** @typedef {{ profile?: string, model?: string }} Choice */

/** @extends {Emitter<{ shown: undefined }>} */
export class ModelPicker extends Emitter {
    /** @type {Wire.Conversation | null} */
    #conversation = null;
    /** @type {Map<string, Wire.Profile>} */
    #profilesBySlug = new Map();
    #defaultProfile = "";
    #defaultModel = "";

    /**
     * @param {HTMLSelectElement} profiles
     * @param {HTMLSelectElement} models
     * @param {(message: string) => void} notify
     */
    constructor(profiles, models, notify) {
        super();
        this.profiles = profiles;
        this.models = models;
        this.notify = notify;
        profiles.addEventListener("change", () => this.#picked({ profile: profiles.value }));
        models.addEventListener("change", () => this.#picked({ model: models.value || null }));
        this.ready = this.#load();
    }

    /** @returns {Choice} */
    get choice() {
        /** @type {Choice} */
        const choice = {};
        if (this.profiles.value) choice.profile = this.profiles.value;
        if (this.models.options.length) choice.model = this.models.value;
        return choice;
    }

    /** Shows who answers in a conversation; without one, the default. @param {Wire.Conversation | null} conversation */
    async show(conversation) {
        this.#conversation = conversation;
        await this.ready;
        if (conversation !== this.#conversation) return;
        select(this.profiles, conversation?.profile ?? this.#defaultProfile);
        select(this.models, conversation?.model ?? "");
        this.#describe();
    }

    /** @param {HTMLSelectElement} list */
    names(list) {
        return [...list.options].map((option) => option.text);
    }

    /**
     * Picks by name, or by a part of one that no other has; without a name, opens the list.
     * @param {HTMLSelectElement} list
     * @param {string} name
     */
    pick(list, name) {
        if (!name) return openList(list);
        const options = [...list.options];
        const wanted = name.toLowerCase();
        const exact = options.find((option) => [option.value, option.text].some((each) => each.toLowerCase() === wanted));
        const partial = options.filter((option) => option.text.toLowerCase().includes(wanted));
        const found = exact ?? (partial.length === 1 ? partial[0] : null);
        if (!found) return this.notify(`“${name}” is not on the list: ${this.names(list).join(", ")}.`);
        list.value = found.value;
        list.dispatchEvent(new Event("change"));
        this.notify(`${found.text} answers from now on.`);
    }

    async #load() {
        const requests = [getAll("chat/profiles"), getAll("chat/models")].map((request) => request.catch(() => []));
        const [profiles, models] = /** @type {[Wire.Profile[], Wire.Model[]]} */ (await Promise.all(requests));
        this.#defaultProfile = (profiles.find((item) => item.default) ?? profiles[0])?.slug ?? "";
        this.#profilesBySlug = new Map(profiles.map((item) => [item.slug, item]));
        this.profiles.replaceChildren(...profiles.map((item) => new Option(item.name || item.slug, item.slug)));
        this.#defaultModel = models.find((item) => item.default)?.id ?? "";
        const names = models.map((item) => item.id).filter((name) => name !== this.#defaultModel);
        this.models.replaceChildren(new Option("", ""), ...names.map((name) => new Option(name, name)));
        this.profiles.hidden = !profiles.length;
        select(this.profiles, this.#defaultProfile);
        this.#describe();
    }

    #describe() {
        const profile = this.#profilesBySlug.get(this.profiles.value);
        this.profiles.title = profile?.description || "Profile";
        this.models.options[0].textContent = profile?.model ?? (this.#defaultModel || "Usual model");
        this.emit("shown");
    }

    /** @param {{ profile?: string, model?: string | null }} change */
    async #picked(change) {
        this.#describe();
        if (!this.#conversation) return;
        await patch(`conversations/${this.#conversation.id}`, change).catch((error) => this.notify(messageOf(error)));
    }
}

/** @param {HTMLSelectElement} list */
function openList(list) {
    list.focus();
    try {
        list.showPicker();
    } catch {
        // Then it has the focus, and any key opens it.
    }
}

/**
 * Selects a value; one that is not on the list any more is shown all the same.
 * @param {HTMLSelectElement} list
 * @param {string} value
 */
function select(list, value) {
    if (value && ![...list.options].some((option) => option.value === value)) list.append(h("option", { value }, value));
    list.value = value;
}
