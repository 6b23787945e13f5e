{{- define "will.image" -}}
{{- $image := merge (deepCopy (.image | default dict)) .root.Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "will.labels" -}}
app.kubernetes.io/part-of: will
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{/* A Deployment. root; name; service: whose program it runs; spec: replicas, resources, env, …; container: more of it. */}}
{{- define "will.deployment" -}}
{{- $root := .root -}}
{{- $spec := .spec -}}
{{- $stores := has .service (list "registry" "telemetry" "tasks") -}}
{{- $files := and $stores (not $root.Values.mongodb.existingSecret) -}}
{{- /* The audit log is a file, wherever documents are. */ -}}
{{- $volume := or $files (eq .service "registry") -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "will.labels" . | nindent 4 }}
spec:
  {{- if not .isScaled }}
  replicas: {{ ternary 1 $spec.replicas $files }}
  {{- end }}
  {{- if or $files (has .service (list "registry" "console")) }}
  # One process at a time: the registry writes documents, the console keeps its sessions in memory.
  strategy: { type: Recreate }
  {{- else }}
  strategy:
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  {{- end }}
  selector:
    matchLabels: { app.kubernetes.io/name: {{ .name }} }
  template:
    metadata:
      labels:
        {{- include "will.labels" . | nindent 8 }}
        will/service: {{ .service }}
      annotations:
        {{- with $root.Values.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
        # New settings are taken up by new pods.
        will/settings: {{ include "will.settings" $root | sha256sum | trunc 16 | quote }}
    spec:
      automountServiceAccountToken: false
      # The first process of a container that has its own processes only is deaf to signals until it listens to them: one
      # that is stopped in its first second would go on to the end of its grace period.
      shareProcessNamespace: true
      # Longer than WILL_STOP_DELAY_MS and WILL_DRAIN_MS: calls in flight are finished, their records sent.
      terminationGracePeriodSeconds: {{ add (div (int $root.Values.settings.WILL_DRAIN_MS) 1000) 30 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{ toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        fsGroup: 1000
        seccompProfile: { type: RuntimeDefault }
      {{- with $spec.nodeSelector | default $root.Values.nodeSelector }}
      nodeSelector: {{ toYaml . | nindent 8 }}
      {{- end }}
      {{- with $spec.tolerations | default $root.Values.tolerations }}
      tolerations: {{ toYaml . | nindent 8 }}
      {{- end }}
      {{- with $spec.affinity }}
      affinity: {{ toYaml . | nindent 8 }}
      {{- end }}
      {{- if $root.Values.topologySpread }}
      topologySpreadConstraints:
        {{- range $root.Values.topologyKeys | default (list "kubernetes.io/hostname") }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          # Those that are being replaced do not count.
          matchLabelKeys: [pod-template-hash]
          labelSelector: { matchLabels: { app.kubernetes.io/name: {{ $.name }} } }
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .service }}
          image: {{ include "will.image" (dict "root" $root "image" $spec.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [node, --disable-sigusr1, programs/{{ .service }}.mjs]
          ports:
            - { name: metrics, containerPort: 9464 }
            {{- if eq .service "console" }}
            - { name: http, containerPort: 8090 }
            {{- end }}
            {{- if eq .service "gateway" }}
            - { name: http, containerPort: 8080 }
            - { name: grpc, containerPort: 50051 }
            {{- end }}
          envFrom:
            - configMapRef: { name: will }
            {{- if and $stores $root.Values.mongodb.existingSecret }}
            - secretRef: { name: {{ $root.Values.mongodb.existingSecret }} }
            {{- end }}
            {{- range $spec.existingSecrets }}
            - secretRef: { name: {{ . }} }
            {{- end }}
          {{- $env := merge (deepCopy ($spec.env | default dict)) (.env | default dict) }}
          {{- if $env }}
          env:
            {{- range $name, $value := $env }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          {{- end }}
          startupProbe:
            httpGet: { path: /livez, port: metrics }
            periodSeconds: 2
            # Five minutes: processes that all start on a busy node, or before the bus, are slow and not broken.
            failureThreshold: 150
          livenessProbe:
            httpGet: { path: /livez, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: metrics }
            periodSeconds: 5
            timeoutSeconds: 3
          resources:
            requests: {{ toYaml (merge (deepCopy ($spec.devices | default dict)) $spec.resources.requests) | nindent 14 }}
            limits: {{ toYaml (merge (deepCopy ($spec.devices | default dict)) $spec.resources.limits) | nindent 14 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: data, mountPath: /data }
            - { name: tmp, mountPath: /tmp }
            # Who it is on the bus: its seed and its certificate.
            - { name: bus, mountPath: /etc/will/bus, readOnly: true }
            {{- with $spec.volumeMounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        {{- if $volume }}
        - { name: data, persistentVolumeClaim: { claimName: {{ .name }} } }
        {{- else }}
        - { name: data, emptyDir: {} }
        {{- end }}
        - { name: tmp, emptyDir: {} }
        - { name: bus, secret: { secretName: {{ $root.Values.busSecretPrefix }}{{ .service }}, defaultMode: 0440 } }
        {{- with $spec.volumes }}{{ toYaml . | nindent 8 }}{{ end }}
{{- if $volume }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  annotations: { helm.sh/resource-policy: keep }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: {{ ternary "20Gi" "1Gi" $files }} } }
{{- end }}
{{- if and $root.Values.podDisruptionBudgets (not (or $files (has .service (list "registry" "console")))) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: { app.kubernetes.io/name: {{ .name }} }
{{- end }}
{{- end }}

{{/* What every service is told. */}}
{{- define "will.settings" -}}
WILL_DATA_DIR: /data
NATS_URL: {{ ternary (printf "nats://nats.%s:4222" .Release.Namespace) .Values.nats.url .Values.nats.enabled }}
NATS_SEED_FILE: /etc/will/bus/seed
WILL_NATS_TLS_CA: /etc/will/bus/ca.crt
WILL_NATS_TLS_CERT: /etc/will/bus/tls.crt
WILL_NATS_TLS_KEY: /etc/will/bus/tls.key
WILL_METRICS_PORT: "9464"
WILL_METRICS_HOST: 0.0.0.0
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- with .Values.otlp.endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . }}
OTEL_TRACES_SAMPLER: parentbased_traceidratio
OTEL_TRACES_SAMPLER_ARG: {{ $.Values.otlp.sampleRatio | quote }}
{{- end }}
{{- end }}

{{/* Tasks that wait for a model and calls in flight. A side without a series is 0: with no worker there is none. */}}
{{- define "will.demandQuery" -}}
(sum(max_over_time(will_model_demand{model="{{ . }}"}[2m])) or vector(0)) + (sum(will_model_in_flight{model="{{ . }}"}) or vector(0))
{{- end }}

{{/* An entry of `workers` with what it does not say. */}}
{{- define "will.worker" -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.workerDefaults) .worker) -}}
{{- end }}

{{/* The rest of a pod's spec that is the bus user `operator`. root; name and args of its container; documents: a ConfigMap. */}}
{{- define "will.operator" -}}
{{- $root := .root -}}
automountServiceAccountToken: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: { type: RuntimeDefault } }
containers:
  - name: {{ .name }}
    image: {{ include "will.image" (dict "root" $root "image" dict) }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    envFrom: [{ configMapRef: { name: will } }]
    resources: { requests: { cpu: 50m, memory: 128Mi }, limits: { memory: 512Mi } }
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
    volumeMounts:
      - { name: bus, mountPath: /etc/will/bus, readOnly: true }
      - { name: data, mountPath: /data }
      - { name: tmp, mountPath: /tmp }
      {{- if .documents }}
      - { name: documents, mountPath: /documents, readOnly: true }
      {{- end }}
volumes:
  - { name: bus, secret: { secretName: {{ $root.Values.busSecretPrefix }}operator, defaultMode: 0440 } }
  - { name: data, emptyDir: {} }
  - { name: tmp, emptyDir: {} }
  {{- with .documents }}
  - { name: documents, configMap: { name: {{ . }} } }
  {{- end }}
{{- end }}
