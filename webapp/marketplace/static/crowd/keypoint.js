export class CrowdKeypoint extends HTMLElement {}
