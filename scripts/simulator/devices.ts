/** The devices of the fleet: for each topic a function that makes payloads of a believable shape and range. */
import type { Random } from './random';

export type Payload = Record<string, unknown>;

export interface DeviceKind {
  readonly topic: string;
  /** Number of devices of this kind. */
  readonly devices: number;
  /** The kind's share of the fleet's events, relative to the other kinds' weights. */
  readonly weight: number;
  readonly payload: (device: string, at: string, random: Random) => Payload;
  /** Changes a payload as a firmware update does on Day 2, which makes new columns appear. */
  readonly drift?: (payload: Payload, random: Random) => Payload;
  /** Breaks a rule of the topic's schema, as happens on Day 2. */
  readonly violate?: (payload: Payload, random: Random) => Payload;
}

const without = (payload: Payload, key: string): Payload =>
  Object.fromEntries(Object.entries(payload).filter(([name]) => name !== key));

export const FLEET: readonly DeviceKind[] = [
  {
    topic: 'telemetry.climate',
    devices: 180,
    weight: 20,
    payload: (device, at, r) => ({
      device_id: device,
      measured_at: at,
      temperature: r.number(-10, 38, 2),
      humidity: r.number(15, 95, 1),
      meta: { gps: { lat: r.number(47, 48, 5), lon: r.number(8, 9, 5) }, firmware: r.pick(['1.4.2', '1.4.3']) },
    }),
    drift: (p, r) => ({
      ...p,
      co2_ppm: r.int(380, 1600),
      meta: { ...(p['meta'] as Payload), channel: r.pick(['stable', 'beta']) },
    }),
    violate: (p, r) => (r.chance(0.5) ? without(p, 'device_id') : { ...p, temperature: 999.5 }),
  },
  {
    topic: 'telemetry.energy',
    devices: 120,
    weight: 14,
    payload: (device, at, r) => ({
      meter_id: device,
      read_at: at,
      kwh: r.number(0, 9999, 3),
      voltage: r.number(225, 240, 1),
      phase: r.int(1, 3),
    }),
    violate: (p, r) => ({ ...p, kwh: r.pick<unknown>([-1.5, null, 'n/a']) }),
  },
  {
    topic: 'device.status',
    devices: 200,
    weight: 14,
    payload: (device, _at, r) => ({
      device_id: device,
      online: r.chance(0.97),
      battery: r.int(3, 100),
      rssi: r.int(-110, -40),
      tags: r.chance(0.4) ? ['roof', 'north'] : [],
    }),
    drift: (p, r) => ({ ...p, uptime_s: r.int(10, 9_000_000) }),
    violate: (p, r) => (r.chance(0.5) ? { ...p, online: 'maybe' } : { ...p, battery: 250 }),
  },
  {
    topic: 'device.alarm',
    devices: 60,
    weight: 4,
    payload: (device, at, r) => ({
      device_id: device,
      code: r.pick(['OVERHEAT', 'LOW_BATTERY', 'TAMPER', 'OFFLINE']),
      severity: r.int(1, 5),
      message: r.pick(['check on site', 'Übertemperatur 🌡️', '电池电量低']),
      raised_at: at,
    }),
    violate: (p) => ({ ...p, code: 'UNKNOWN' }),
  },
  {
    topic: 'vehicle.position',
    devices: 90,
    weight: 14,
    payload: (device, at, r) => ({
      vehicle_id: device,
      ts: at,
      lat: r.number(46, 48, 6),
      lon: r.number(6, 10, 6),
      speed_kmh: r.number(0, 120, 1),
      heading: r.int(0, 359),
    }),
    drift: (p, r) => ({ ...p, 'Fuel-Level': r.int(0, 100) }),
    violate: (p) => ({ ...p, lat: 912.5 }),
  },
  {
    topic: 'logistics.parcel-scan',
    devices: 40,
    weight: 8,
    payload: (_device, at, r) => ({
      parcel_id: `CH${String(r.int(0, 99_999_999)).padStart(8, '0')}`,
      scanned_at: at,
      depot: r.pick(['ZRH', 'BSL', 'GVA']),
      weight_kg: r.number(0.1, 30, 3),
      on_date: at.slice(0, 10),
    }),
    violate: (p) => ({ ...p, parcel_id: 'unreadable' }),
  },
  {
    topic: 'building.hvac',
    devices: 50,
    weight: 5,
    payload: (d, at, r) => ({
      unit: d,
      at,
      setpoint: r.number(18, 24, 1),
      supply: { temp: r.number(12, 40, 1), fan: r.int(0, 3) },
      mode: r.pick(['heat', 'cool', 'off']),
    }),
  },
  {
    topic: 'water.meter',
    devices: 80,
    weight: 5,
    payload: (d, at, r) => ({ meter: d, at, litres: r.int(0, 9_007_199), leak: r.chance(0.01) }),
  },
  {
    topic: 'retail.fridge',
    devices: 60,
    weight: 4,
    payload: (d, at, r) => ({
      fridge: d,
      at,
      temp_c: r.number(-24, 8, 1),
      door_open: r.chance(0.05),
      alarms: r.chance(0.1) ? [{ code: 'E7', since: at }] : [],
    }),
    drift: (p, r) => ({ ...p, defrost: { cycle: r.int(1, 9), active: r.chance(0.2) } }),
  },
  {
    topic: 'factory.press',
    devices: 12,
    weight: 3,
    payload: (d, at, r) => ({
      press: d,
      at,
      strokes: r.int(0, 100_000),
      pressure_bar: r.number(80, 240, 2),
      tool: null,
    }),
  },
  {
    topic: 'factory.robot-arm',
    devices: 16,
    weight: 3,
    payload: (d, at, r) => ({
      arm: d,
      at,
      joints: [r.number(-180, 180, 3), r.number(-90, 90, 3), r.number(-180, 180, 3)],
      program: r.pick(['weld-7', 'pick-2']),
    }),
  },
  {
    topic: 'agriculture.soil',
    devices: 70,
    weight: 3,
    payload: (d, at, r) => ({
      probe: d,
      at,
      moisture: r.number(0, 100, 1),
      ph: r.number(4, 9, 2),
      ec: r.number(0, 4, 3),
    }),
  },
  {
    topic: 'solar.inverter',
    devices: 30,
    weight: 2,
    payload: (d, at, r) => ({
      inverter: d,
      at,
      ac_w: r.int(0, 8000),
      dc: { v: r.number(300, 800, 1), a: r.number(0, 15, 2) },
    }),
    drift: (p, r) => ({ ...p, grid_hz: r.number(49.8, 50.2, 3) }),
  },
  {
    topic: 'elevator.trip',
    devices: 20,
    weight: 1,
    payload: (d, at, r) => ({ elevator: d, at, from: r.int(-2, 12), to: r.int(-2, 12), load_kg: r.int(0, 900) }),
  },
];
