/** Which microphone: the list, the choice that is remembered, and what is plugged in and out. */

const CHOSEN = "halfsecond.microphone";

export class Devices {
  /** `onchoose(id or null)` is told of each change, by hand or because a device came back. */
  constructor(select, onchoose) {
    this.select = select;
    this.onchoose = onchoose;
    this.present = new Set();
    select.addEventListener("change", () => {
      localStorage.setItem(CHOSEN, select.value);
      onchoose(this.chosen);
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.refresh());
  }

  get chosen() {
    return localStorage.getItem(CHOSEN) || null;
  }

  /** Before the permission is given, browsers name no devices. */
  async refresh() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const microphones = all.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId);
    const { chosen } = this;
    const others = microphones.filter(({ deviceId }) => deviceId !== "default");
    this.select.replaceChildren(
      option("", "The system's microphone"),
      ...others.map(({ deviceId, label }, i) => option(deviceId, label || `Microphone ${i + 1}`)),
    );
    const present = new Set(others.map(({ deviceId }) => deviceId));
    this.select.value = present.has(chosen) ? chosen : "";
    const cameBack = this.present.size > 0 && present.has(chosen) && !this.present.has(chosen);
    this.present = present;
    if (cameBack) this.onchoose(chosen);
  }
}

function option(value, label) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = label;
  return made;
}
